import type { IncomingRecord } from '../../../src/contract/record';
import type { JobSource } from '../../../src/dispatch/job-source';
import type { RecordSink } from '../../../src/kafka/partitions/assigned-partitions';
import { GroupConsumer } from '../../../src/kafka/group/group-consumer';
import { IntakeBudget } from '../../../src/kafka/partitions/intake-budget';
import { silentTelemetry } from '../../dispatch/fixtures';
import { type Connection, type ReadLog, SimulatedClient, TOPIC } from './simulated-group';

/** How soon to try again to send a command that may not be sent now. */
const UNTRUSTED_MS = 50;

export interface Work {
  readonly record: IncomingRecord;
  readonly source: JobSource;
}

interface ReplicaOptions {
  readonly name: string;
  readonly connection: Connection;
  readonly readLog: ReadLog;
  readonly sessionTimeoutMs: number;
  readonly callTimeoutMs: number;
  /** How long it takes to connect to the API. */
  readonly connectMs: () => number;
  readonly callMs: () => number;
  /** How long it takes from an answer until its result is acknowledged. */
  readonly settleMs: () => number;
  readonly onSend: (replica: SimulatedReplica, work: Work, callMs: number) => void;
  readonly onSettled: (work: Work) => void;
}

/**
 * One replica: the real group consumer and hand-over, and a dispatcher that sends one command of each key at a time.
 */
export class SimulatedReplica {
  readonly sources = new Set<JobSource & { readonly partition?: number }>();
  readonly memberIds = new Set<string>();
  /** When the group last gave one of its members up. */
  expelledMs = -Infinity;
  private readonly consumer: GroupConsumer;
  private readonly waiting = new Map<string, Work[]>();
  private readonly busy = new Set<string>();
  private inHand = 0;
  private cancelPump: () => void = () => undefined;
  private isDraining = false;
  private leaving: Promise<void> | null = null;

  constructor(readonly options: ReplicaOptions) {
    const { connection, readLog, sessionTimeoutMs, callTimeoutMs } = options;
    const sink: RecordSink = {
      openPartition: () => ({ keys: new Map() }),
      accept: (record, _value, source) => this.add({ record, source }),
      acceptUnreadable: () => undefined,
      accepted: () => this.pump(),
      discard: (source) => this.discard(source),
    };
    this.consumer = new GroupConsumer(
      { name: TOPIC, groupId: 'g', topics: [TOPIC], due: () => null },
      {
        newClient: (plan) => new SimulatedClient(plan, connection, readLog, (id) => void this.memberIds.add(id)),
        reader: connection,
        clock: connection.clock,
        config: { commitIntervalMs: 25, maxUnrecorded: 1_024, sessionTimeoutMs, maxConsumerRestarts: 3 },
        callTimeoutMs,
        budget: new IntakeBudget({ maxCommands: 1_000, maxBytes: 10_000_000 }),
        sink,
        telemetry: silentTelemetry,
        log: () => undefined,
        onDead: () => undefined,
      },
    );
    this.consumer.start();
  }

  get isKilled(): boolean {
    return this.options.connection.clock.isKilled;
  }

  get isLeaving(): boolean {
    return this.leaving !== null;
  }

  kill(): void {
    this.options.connection.clock.isKilled = true;
  }

  /** Drains, commits, releases and leaves, as the service does at SIGTERM. */
  leave(): void {
    this.leaving ??= this.drain();
  }

  private async drain(): Promise<void> {
    this.isDraining = true;
    this.consumer.halt(true);
    while (this.inHand > 0) await this.wait(5);
    await this.consumer.flush();
    await this.consumer.stop();
  }

  private add(work: Work): void {
    this.sources.add(work.source);
    const key = keyOf(work);
    this.waiting.set(key, [...(this.waiting.get(key) ?? []), work]);
  }

  private pump(): void {
    for (const [key, works] of this.waiting) {
      const [work] = works;
      if (this.isDraining || work === undefined || this.busy.has(key)) continue;
      this.busy.add(key);
      works.shift();
      void this.send(work);
    }
  }

  private async send(work: Work): Promise<void> {
    const { connectMs, settleMs, onSend, onSettled, connection } = this.options;
    const { source, record } = work;
    const callMs = this.options.callMs();
    this.inHand++;
    if (source.maySend) await this.wait(connectMs());
    if (!source.maySend) {
      this.inHand--;
      this.busy.delete(keyOf(work));
      if (source.isOwned) this.waiting.get(keyOf(work))?.unshift(work);
      else source.forgotten(record);
      this.cancelPump();
      this.cancelPump = connection.clock.after(UNTRUSTED_MS, () => this.pump());
      return;
    }
    onSend(this, work, callMs);
    await this.wait(callMs);
    this.busy.delete(keyOf(work));
    this.pump();
    await this.wait(settleMs());
    onSettled(work);
    source.settled(record, null);
    this.inHand--;
  }

  private discard(source: JobSource): void {
    for (const works of this.waiting.values()) {
      const lost = works.filter((work) => work.source === source);
      for (const work of lost) {
        works.splice(works.indexOf(work), 1);
        source.forgotten(work.record);
      }
    }
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.options.connection.clock.after(ms, resolve));
  }
}

function keyOf({ record }: Work): string {
  return `${record.partition}/${record.key}`;
}
