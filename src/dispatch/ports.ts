import type { Channel } from '../contract/channels';
import type { Command } from '../contract/command';
import type { Settled } from '../contract/outcome';
import type { CallResult, SendPermit, Withdrawn } from '../messages-api/call-result';
import type { Ended } from '../settlement/settlement';
import type { Job } from './job';

/** One call to the Messages API, if the permit still holds when it leaves; never rejects. */
export type SendCommand = (command: Command, permit: SendPermit) => Promise<CallResult | Withdrawn>;

/** Where valid commands are sent from. */
export interface CommandSender {
  /** See {@link SendCommand}. */
  send(...call: Parameters<SendCommand>): ReturnType<SendCommand>;
}

/** Where Intake hands on what it has decoded. */
export interface Decoded {
  /** A valid command. Those of one key of a partition come in offset order. */
  add(job: Job): void;
  /** A record that is no command. Calls `done` once its outcome is acknowledged. */
  refuse(ended: Ended, done: () => void): void;
}

/** How a command ended, and when, in milliseconds since the epoch. */
export interface Ending {
  readonly settled: Settled;
  readonly completedAtMs: number;
  /** Whether an earlier record of the command brought it to this end. */
  readonly isReplay: boolean;
}

/** Writes down what became of a command. */
export interface Outcomes {
  /** Calls `done` once that is acknowledged, however long it takes. */
  settle(job: Job, ending: Ending, done: () => void): void;
  /** The command goes on to a retry topic: that of `round`, from 1. Resolves once that is acknowledged. */
  park(job: Job, settled: Settled, round: number): Promise<void>;
}

/** What the dispatcher tells the rest of the service. */
export interface DispatchListener {
  /** Consumption is to pause (true) or to go on (false). */
  onHalted(halted: boolean): void;
  /** Nothing may be sent but probes (true), or anything again (false). */
  onShut(isShut: boolean): void;
  /** A channel fails as a whole, so that nothing of it is sent but probes (true), or works again (false). */
  onChannelShut(channel: Channel, isShut: boolean): void;
  /** The API refused a workspace's key, once more: at most once a minute for each key. */
  onKeyRefused(httpStatus: number | null, workspaceId: string): void;
}
