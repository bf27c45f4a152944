/** How clients authenticate and whether they are encrypted, on one listener. */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

/** A listener for clients beside the plain one. */
interface ExtraListener {
  /** Upper-case letters, as in `listener.name.<name>.…`, and not `CLIENT`, `INTERNAL` or `CONTROLLER`. */
  readonly name: string;
  readonly protocol: SecurityProtocol;
  /** Address to bind, which is also the advertised one. */
  readonly listen: string;
}

/** What a node of the cluster listens on, and how the others reach it. */
export interface NodeEndpoints {
  /** Address to bind for clients and for clients' advertised address. */
  readonly listen: string;
  readonly advertised: string;
  /** Address to bind for the other brokers, and the one they use. */
  readonly internalListen: string;
  readonly internalAdvertised: string;
  /** Address to bind for the quorum, and the one its members use. */
  readonly controllerListen: string;
  readonly controllerAdvertised: string;
  readonly extra: readonly ExtraListener[];
}

/** Fixed, because the data of a development cluster are never moved to another one. */
export const CLUSTER_ID = 'bWVzc2FnZXMtZGlzcGF0Yw';

/** Properties of node `index` (broker and controller in one) of the cluster made of `nodes`. */
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
    // Kafka's 10 MiB are preallocated and mapped: where the disk reads far ahead, the first entry of each index reads megabytes of
    // zeros. Partitions that were created together get it together, and writes then take hundreds of milliseconds.
    'log.index.size.max.bytes': '262144',
    // A broker that was killed may register again only when its old session is over; Kafka's default is 9 s.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    ...overrides,
  };
}

/** Options of the broker's JVM. Without `fastStart` the compiler is the one that measurements need. */
export function jvmOptions(fastStart: boolean): string[] {
  return ['-Xmx512m', '-XX:+UseSerialGC', ...(fastStart ? ['-XX:TieredStopAtLevel=1'] : [])];
}
