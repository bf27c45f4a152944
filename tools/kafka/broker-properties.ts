/** Security of one listener: how clients authenticate, and whether connections are encrypted. */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

/** A listener for clients, in addition to the plain one. */
interface ExtraListener {
  /** Upper-case letters, as in `listener.name.<name>.…`; not `CLIENT`, `INTERNAL` or `CONTROLLER`. */
  readonly name: string;
  readonly protocol: SecurityProtocol;
  /** The address to bind; also the advertised address. */
  readonly listen: string;
}

/** The listeners of one node of the cluster. */
export interface NodeEndpoints {
  /** For clients: the address to bind, and the advertised address. */
  readonly listen: string;
  readonly advertised: string;
  /** For the other brokers: the address to bind, and the address that they use. */
  readonly internalListen: string;
  readonly internalAdvertised: string;
  /** For the quorum: the address to bind, and the address that its members use. */
  readonly controllerListen: string;
  readonly controllerAdvertised: string;
  readonly extra: readonly ExtraListener[];
}

/** Fixed, because data of a development cluster never move to another cluster. */
export const CLUSTER_ID = 'bWVzc2FnZXMtZGlzcGF0Yw';

/** Properties of node `index` in the cluster of `nodes`. Every node is both broker and controller. */
export function brokerProperties(
  nodes: readonly NodeEndpoints[],
  index: number,
  overrides: Readonly<Record<string, string>>,
): Record<string, string> {
  const node = nodes[index];
  if (node === undefined) throw new RangeError(`no node ${index} among ${nodes.length}`);
  const copies = String(nodes.length);
  const inSync = nodes.length === 1 ? '1' : '2';
  const extra = node.extra.map(({ name, listen }) => `,${name}://${listen}`).join('');
  const extraProtocols = node.extra.map(({ name, protocol }) => `,${name}:${protocol}`).join('');
  return {
    'process.roles': 'broker,controller',
    'node.id': String(index + 1),
    'controller.quorum.voters': nodes.map((peer, i) => `${i + 1}@${peer.controllerAdvertised}`).join(','),
    listeners: `CLIENT://${node.listen},INTERNAL://${node.internalListen},CONTROLLER://${node.controllerListen}${extra}`,
    'advertised.listeners': `CLIENT://${node.advertised},INTERNAL://${node.internalAdvertised}${extra}`,
    'listener.security.protocol.map': `CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT${extraProtocols}`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'auto.create.topics.enable': 'false',
    // Kafka preallocates and maps 10 MiB for an index. If the disk reads far ahead, the first entry of each index reads
    // megabytes of zeros. Partitions created together get their first entry together, and writes then take hundreds of
    // milliseconds.
    'log.index.size.max.bytes': '262144',
    // A killed broker may register again only after its old session has ended; Kafka's default is 9 s.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    ...overrides,
  };
}

/** Options of the broker's JVM. `fastStart` limits the compiler; measurements need the full compiler. */
export function jvmOptions(fastStart: boolean): string[] {
  return ['-Xmx512m', '-XX:+UseSerialGC', ...(fastStart ? ['-XX:TieredStopAtLevel=1'] : [])];
}
