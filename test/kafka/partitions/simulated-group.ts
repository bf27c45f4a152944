import { sleep } from '../../../src/dispatch/clock';
import type { Piece } from '../../../src/kafka/batches/pieces';
import type { OffsetsToCommit } from '../../../src/kafka/partitions/committer';
import type { GroupClient, GroupPlan } from '../../../src/kafka/group/group-client';
import type { GroupReader } from '../../../src/kafka/partitions/group-reader';
import { assignSticky } from '../../../src/kafka/group/sticky-assignment';
import type { ProcessClock, SimulatedTime } from './simulated-time';

export const TOPIC = 't';
/** A member that has not rejoined by then is left out: kafkajs' default. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** How long a client waits for an answer that is lost. */
const ANSWER_TIMEOUT_MS = 300;
const RECORDS_PER_FETCH = 10;

/** A refusal by Kafka. `type` is the protocol's name, and kafkajs looks at `retriable`. */
class Refused extends Error {
  constructor(
    readonly type: 'REBALANCE_IN_PROGRESS' | 'ILLEGAL_GENERATION' | 'UNKNOWN_MEMBER_ID' | 'LOST',
    readonly retriable: boolean,
  ) {
    super(type);
  }
}

interface Member {
  readonly id: string;
  readonly sessionMs: number;
  lastSeenMs: number;
  owned: readonly number[];
  /** Answers the member's JoinGroup request; null while it has not rejoined. */
  answer: ((joined: Joined) => void) | null;
}

interface Joined {
  readonly memberId: string;
  readonly generation: number;
  readonly partitions: readonly number[];
}

interface Commit {
  readonly offset: number;
  readonly metadata: string;
}

interface GroupOptions {
  readonly partitions: readonly number[];
  /** How long the leader takes to assign. Until then commits and heartbeats are refused. */
  readonly assigningMs: () => number;
  readonly onCommit: (partition: number, commit: Commit) => void;
  readonly onExpelled: (memberId: string) => void;
}

/** The coordinator of one group with eager rebalances, and the log of its topic. */
export class SimulatedGroup {
  readonly commits = new Map<number, Commit>();
  private readonly members = new Map<string, Member>();
  private generation = 0;
  /** Members have to rejoin. Like Kafka, the group takes their commits meanwhile. */
  private isRebalancing = false;
  private isAssigning = false;
  private ids = 0;

  constructor(
    private readonly time: SimulatedTime,
    readonly options: GroupOptions,
  ) {}

  get memberIds(): string[] {
    return [...this.members.keys()];
  }

  join(id: string | null, sessionMs: number, owned: readonly number[], answer: (joined: Joined) => void): void {
    if (id !== null && !this.members.has(id)) throw new Refused('UNKNOWN_MEMBER_ID', false);
    const memberId = id ?? `member-${this.ids++}`;
    const member = { id: memberId, sessionMs, owned, answer, lastSeenMs: this.time.nowMs };
    this.members.set(memberId, member);
    this.rebalance();
    this.complete();
  }

  heartbeat(id: string, generation: number): void {
    this.seen(id, generation);
    if (this.isRebalancing || this.isAssigning) throw new Refused('REBALANCE_IN_PROGRESS', false);
  }

  commit(id: string, generation: number, commits: ReadonlyMap<number, Commit>): void {
    this.seen(id, generation);
    if (this.isAssigning) throw new Refused('REBALANCE_IN_PROGRESS', false);
    for (const [partition, commit] of commits) {
      this.options.onCommit(partition, commit);
      this.commits.set(partition, commit);
    }
  }

  leave(id: string): void {
    if (!this.members.delete(id)) return;
    this.rebalance();
    this.complete();
  }

  rebalance(): void {
    if (this.isRebalancing) return;
    this.isRebalancing = true;
    const { generation } = this;
    this.time.after(REBALANCE_TIMEOUT_MS, () => {
      if (!this.isRebalancing || this.generation !== generation) return;
      for (const { id, answer } of this.members.values()) if (answer === null) this.members.delete(id);
      this.complete();
    });
  }

  private complete(): void {
    const members = [...this.members.values()];
    if (!this.isRebalancing || members.length === 0 || members.some(({ answer }) => answer === null)) return;
    this.isRebalancing = false;
    const generation = ++this.generation;
    this.isAssigning = true;
    const assignment = assignSticky(
      members.map(({ id, owned }) => ({ memberId: id, owned })),
      this.options.partitions,
    );
    const answers = members.map((member) => {
      const { id, answer } = member;
      member.answer = null;
      this.touch(member);
      return () => answer?.({ memberId: id, generation, partitions: assignment.get(id) ?? [] });
    });
    this.time.after(this.options.assigningMs(), () => {
      if (generation === this.generation) this.isAssigning = false;
      for (const answer of answers) answer();
    });
  }

  private seen(id: string, generation: number): void {
    const member = this.members.get(id);
    if (member === undefined) throw new Refused('UNKNOWN_MEMBER_ID', false);
    if (generation !== this.generation) throw new Refused('ILLEGAL_GENERATION', false);
    this.touch(member);
  }

  private touch(member: Member): void {
    member.lastSeenMs = this.time.nowMs;
    this.time.after(member.sessionMs, () => {
      const isSilent = this.time.nowMs - member.lastSeenMs >= member.sessionMs && member.answer === null;
      if (!isSilent || this.members.get(member.id) !== member) return;
      this.options.onExpelled(member.id);
      this.leave(member.id);
    });
  }
}

/** The network between one process and the group. */
export interface Network {
  readonly latencyMs: () => number;
  /** How long an assignment takes, in addition to the latency of the answer. */
  readonly assignmentMs: () => number;
  readonly fate: () => 'arrives' | 'request lost' | 'answer lost';
}

/** One process' connection: its requests arrive in the order in which they were sent. */
export class Connection implements GroupReader {
  private lastArrivalMs = 0;

  constructor(
    private readonly time: SimulatedTime,
    readonly clock: ProcessClock,
    readonly group: SimulatedGroup,
    readonly network: Network,
  ) {}

  async ask<T>(work: () => T): Promise<T> {
    const { time, clock, network } = this;
    const fate = network.fate();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const answer = (tell: () => void): void => void clock.after(network.latencyMs(), tell);
    this.lastArrivalMs = Math.max(this.lastArrivalMs, time.nowMs + network.latencyMs());
    if (fate !== 'arrives') clock.after(ANSWER_TIMEOUT_MS, () => reject(new Refused('LOST', true)));
    time.after(this.lastArrivalMs - time.nowMs, () => {
      if (fate === 'request lost') return;
      try {
        const result = work();
        if (fate === 'arrives') answer(() => resolve(result));
      } catch (error) {
        if (fate === 'arrives') answer(() => reject(error));
      }
    });
    return promise;
  }

  fetchOffsets(): ReturnType<GroupReader['fetchOffsets']> {
    return this.ask(() => {
      const partitions = this.group.options.partitions.map((partition) => {
        const { offset = -1, metadata = '' } = this.group.commits.get(partition) ?? {};
        return { partition, offset: String(offset), metadata };
      });
      return [{ topic: TOPIC, partitions }];
    });
  }

  fetchTopicOffsets(): ReturnType<GroupReader['fetchTopicOffsets']> {
    return this.ask(() => this.group.options.partitions.map((partition) => ({ partition, low: '0' })));
  }

  describeGroups(): ReturnType<GroupReader['describeGroups']> {
    return this.ask(() => ({ groups: [{ members: this.group.memberIds.map((memberId) => ({ memberId })) }] }));
  }
}

/** Reads records of a partition from an offset on. */
export type ReadLog = (partition: number, from: number, count: number) => readonly { offset: number; key: string }[];

/** A member that behaves like kafkajs 2.2.4: its loop of fetches and heartbeats, its commits, and its events. */
export class SimulatedClient implements GroupClient {
  memberId: string | null = null;
  private generation = -1;
  private partitions: readonly number[] = [];
  private readonly paused = new Set<number>();
  private lastRequestMs = 0;
  private readonly over = new AbortController();

  constructor(
    private readonly plan: GroupPlan,
    private readonly connection: Connection,
    private readonly readLog: ReadLog,
    private readonly onMember: (memberId: string) => void,
  ) {}

  start(): Promise<void> {
    void this.run();
    return Promise.resolve();
  }

  pause(topics: readonly { readonly partitions: readonly number[] }[]): void {
    for (const { partitions } of topics) for (const partition of partitions) this.paused.add(partition);
  }

  resume(topics: readonly { readonly partitions: readonly number[] }[]): void {
    for (const { partitions } of topics) for (const partition of partitions) this.paused.delete(partition);
  }

  async commitOffsets(offsets: OffsetsToCommit): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(2_000, pauseMs * 2)) {
      try {
        await this.commitOnce(offsets);
        return;
      } catch (error) {
        if ((error as { retriable?: boolean }).retriable === false || this.over.signal.aborted) throw error;
        await sleep(this.connection.clock, pauseMs);
      }
    }
  }

  async disconnect(): Promise<void> {
    this.over.abort();
    const { memberId } = this;
    if (memberId !== null)
      await this.connection.ask(() => this.connection.group.leave(memberId)).catch(() => undefined);
  }

  private async run(): Promise<void> {
    const { clock } = this.connection;
    while (!this.over.signal.aborted) {
      try {
        await this.join();
        await this.read();
      } catch (error) {
        if (this.over.signal.aborted) return;
        await this.failed(error);
      }
      await sleep(clock, 1);
    }
  }

  private async failed(error: unknown): Promise<void> {
    if (!(error instanceof Refused)) throw error;
    switch (error.type) {
      case 'REBALANCE_IN_PROGRESS':
      case 'ILLEGAL_GENERATION':
        this.plan.events.rebalancing();
        return;
      case 'UNKNOWN_MEMBER_ID':
        this.memberId = null;
        return;
      // Like kafkajs with stale metadata: it rejoins without an event.
      case 'LOST':
        await sleep(this.connection.clock, 100);
    }
  }

  private async join(): Promise<void> {
    const { group, clock, network } = this.connection;
    const { plan, memberId } = this;
    const owned = plan.owned().map(({ partition }) => partition);
    const { promise, resolve, reject } = Promise.withResolvers<Joined>();
    const joined = (answer: Joined): void => void clock.after(network.assignmentMs(), () => resolve(answer));
    clock.after(network.latencyMs(), () => {
      try {
        group.join(memberId, plan.sessionTimeoutMs, owned, joined);
      } catch (error) {
        reject(error);
      }
    });
    ({ memberId: this.memberId, generation: this.generation, partitions: this.partitions } = await promise);
    if (this.over.signal.aborted) {
      group.leave(this.memberId);
      return;
    }
    this.onMember(this.memberId);
    this.lastRequestMs = clock.wallMs();
    plan.events.joined(this.memberId, { [TOPIC]: [...this.partitions] });
  }

  private async read(): Promise<void> {
    const { clock, network } = this.connection;
    const { signal } = this.over;
    const [committed] = await this.connection.fetchOffsets();
    const positions = new Map(
      committed?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]),
    );
    while (!signal.aborted) {
      const fetched = this.active().map((partition) => ({
        partition,
        records: this.readLog(partition, positions.get(partition) ?? 0, RECORDS_PER_FETCH),
      }));
      const found = fetched.filter(({ records }) => records.length > 0);
      await sleep(clock, found.length > 0 ? network.latencyMs() : Number(this.plan.fetchWaitMs), signal);
      for (const { partition, records } of found.filter((each) => !this.paused.has(each.partition))) {
        await this.plan.events.take({
          topic: TOPIC,
          partition,
          highWatermark: 0,
          pieces: () => piecesOf(records),
          resolveOffset: (offset) => void positions.set(partition, Number(offset) + 1),
          commitOffsetsIfNecessary: (offsets) => this.commitOnce(offsets),
        });
        await this.heartbeat();
      }
      if (found.length === 0) await this.heartbeat();
    }
  }

  private active(): number[] {
    return this.partitions.filter((partition) => !this.paused.has(partition));
  }

  private async heartbeat(): Promise<void> {
    const { connection, memberId, generation } = this;
    const { clock } = connection;
    if (memberId === null || !(clock.wallMs() >= this.lastRequestMs + Number(this.plan.heartbeatIntervalMs))) return;
    await connection.ask(() => connection.group.heartbeat(memberId, generation));
    this.plan.events.heartbeatAnswered();
    this.lastRequestMs = clock.wallMs();
  }

  private async commitOnce({ topics }: OffsetsToCommit): Promise<void> {
    const { connection, memberId, generation } = this;
    await Promise.resolve();
    const commits = topics.flatMap(({ partitions }) =>
      partitions.map(
        ({ partition, offset, metadata }) => [Number(partition), { offset: Number(offset), metadata }] as const,
      ),
    );
    await connection.ask(() => connection.group.commit(memberId ?? '', generation, new Map(commits)));
  }
}

async function* piecesOf(records: readonly { offset: number; key: string }[]): AsyncGenerator<Piece> {
  yield { kind: 'records', records: records.map(toRecord) };
  await Promise.resolve();
}

function toRecord({ offset, key }: { offset: number; key: string }) {
  return { key: Buffer.from(key), value: Buffer.alloc(0), timestampMs: 0, offset, headers: {} };
}
