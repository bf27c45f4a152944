/** The used part of kafkajs's connections to one broker. */
interface ConnectionPool {
  /** In order: for most requests, for fetches, and for joining. The third one is made here. */
  readonly pool: Connection[];
  getConnection(index: number): Promise<Connection>;
  getConnectionByRequest: (this: ConnectionPool, asked: Asked) => Promise<Connection>;
}

interface Asked {
  readonly request: { readonly apiKey: number };
}

interface Connection {
  readonly versions: unknown;
  readonly supportAuthenticationProtocol: unknown;
  readonly requestQueue: object;
  setVersions(versions: unknown): void;
  setSupportAuthenticationProtocol(isSupported: unknown): void;
}

/** Its options have the names of its own fields and of its request queue's. */
type ConnectionClass = new (options: object) => Connection;

/** The Kafka protocol's keys of the requests that do not use the first connection. */
const FETCH = 1;
const JOIN_GROUP = 11;
const SYNC_GROUP = 14;
const JOINING = 2;
const INDEX: ReadonlyMap<number, number> = new Map([
  [FETCH, 1],
  [JOIN_GROUP, JOINING],
  [SYNC_GROUP, JOINING],
]);

/**
 * Gives the requests that join a group a connection of their own. A broker reads the next request of a connection only
 * after it has answered the one before, and it answers a joining member only when all members have joined. kafkajs
 * 2.2.4 uses one connection for everything but fetches. There commits waited for the whole rebalance, and a crash
 * during it sent commands again that had long been settled.
 */
export function patchJoiningConnections(): void {
  const { prototype } = require('kafkajs/src/network/connectionPool') as { readonly prototype: ConnectionPool };
  const Connection = require('kafkajs/src/network/connection') as ConnectionClass;
  const another = (like: Connection): Connection => {
    const made = new Connection({ ...like.requestQueue, ...like });
    made.setVersions(like.versions);
    made.setSupportAuthenticationProtocol(like.supportAuthenticationProtocol);
    return made;
  };
  prototype.getConnectionByRequest = function ({ request: { apiKey } }) {
    const index = INDEX.get(apiKey) ?? 0;
    const [first] = this.pool;
    if (index === this.pool.length && first !== undefined) this.pool.push(another(first));
    return this.getConnection(index);
  };
}
