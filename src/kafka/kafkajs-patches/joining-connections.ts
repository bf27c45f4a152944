/** What is used of kafkajs's connections to one broker. */
interface ConnectionPool {
  /** For all that is asked, and for fetches; the third one is made here. */
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

/** Takes its options by the names under which it, and its queue of requests, keep them. */
type ConnectionClass = new (options: object) => Connection;

/** Keys of the Kafka protocol for what asks on another connection than the first one. */
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
 * Gives what joins a group a connection of its own. A broker takes the next request of a connection once the last one is
 * answered, and answers a member that joins once all others have: on the one connection that kafkajs 2.2.4 has for
 * all but fetches, commits waited behind that for as long as a rebalance took, and a crash in it repeated what had
 * long been settled.
 */
export function mendJoiningConnections(): void {
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
