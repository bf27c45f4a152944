import type { Outage } from '../../sandbox/behaviour.ts';

/** Names of replicas. Each keeps its name when it restarts. */
export type ReplicaName = 'a' | 'b' | 'c';

/** A broker, named by its role at that moment or by its place among the brokers. */
export type BrokerChoice = 'coordinator' | 'results-leader' | number;

/** All faults. A fault is done when its effect is undone, except for `stop` and `clock`. */
export type Fault =
  /** The replica joins. Nothing waits until it is ready. */
  | { readonly kind: 'start'; readonly replica: ReplicaName }
  /** SIGTERM. The replica must exit 0. */
  | { readonly kind: 'stop'; readonly replica: ReplicaName }
  /** SIGKILL. The replica is started again at once. */
  | { readonly kind: 'kill'; readonly replica: ReplicaName }
  /** SIGSTOP, and SIGCONT later. */
  | { readonly kind: 'freeze'; readonly replica: ReplicaName; readonly forMs: number }
  /** SIGKILL of a broker, which is started again later. Done when every partition has all its copies in sync. */
  | { readonly kind: 'broker'; readonly which: BrokerChoice; readonly forMs: number }
  | { readonly kind: 'redis'; readonly how: 'kill' | 'freeze'; readonly forMs: number }
  | { readonly kind: 'api'; readonly mode: Outage['mode']; readonly forMs: number }
  /** The results topic refuses every write, as with a full disk. */
  | { readonly kind: 'results-refused'; readonly forMs: number }
  /** The replica's clock is wrong by so many ms, until it is set again. */
  | { readonly kind: 'clock'; readonly replica: ReplicaName; readonly offByMs: number };

/** A fault and its time, in ms after the first command. It starts later if the fault before it is not done yet. */
export interface TimedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** A fault that was done, and from when to when, in ms since the epoch. */
export interface Incident {
  readonly fault: Fault;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A fault in a few words, for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'start':
      return `replica ${fault.replica} is started`;
    case 'stop':
      return `replica ${fault.replica} gets SIGTERM`;
    case 'kill':
      return `replica ${fault.replica} is killed and started again`;
    case 'freeze':
      return `replica ${fault.replica} is frozen for ${fault.forMs} ms`;
    case 'broker':
      return `broker ${fault.which} is killed and started again after ${fault.forMs} ms`;
    case 'redis':
      return `Redis: ${fault.how} for ${fault.forMs} ms`;
    case 'api':
      return `the API is away (${fault.mode}) for ${fault.forMs} ms`;
    case 'results-refused':
      return `the results topic refuses writes for ${fault.forMs} ms`;
    case 'clock':
      return `the clock of replica ${fault.replica} is off by ${fault.offByMs / 60_000} min`;
  }
}
