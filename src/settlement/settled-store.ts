import type { Settled } from '../contract/outcome';

/** One command on its way to the API, as the store knows it. */
export interface Claim {
  /** Names the command among all: its `commandKey`. */
  readonly key: string;
  /** Stands for the `request`: another one under the same id is another command. */
  readonly digest: string;
  /** The record it was read from, `<topic>/<partition>/<offset>`: the same record may claim again, another one may not. */
  readonly record: string;
  /** Which redrive of its dead letter this is; null for none. A new one may be sent although the command is settled. */
  readonly redrive: string | null;
}

/** What has been tried for a command so far. */
export interface Progress {
  /** Calls made. */
  readonly attempts: number;
  /** Whether one of them may have reached the API without a final answer. */
  readonly perhapsSent: boolean;
}

/** How a command ended, and when: milliseconds since the epoch. */
export interface SettledAt {
  readonly settled: Settled;
  readonly completedAtMs: number;
}

/** What the store says to a claim. */
export type ClaimAnswer =
  /** It may be sent. `progress` is the larger of what was told and what earlier claims of the command had come to. */
  | { readonly kind: 'claimed'; readonly progress: Progress }
  /** It is this process's now, but whoever had it died when its call may have been on the wire. That call is in `progress`. */
  | { readonly kind: 'in-doubt'; readonly progress: Progress }
  /** It has ended already, and must not be sent. */
  | { readonly kind: 'settled'; readonly at: SettledAt }
  /** The id belongs to a command with another `request`. */
  | { readonly kind: 'other-request' }
  /** A live process has it, or another record of this one: to be asked again later. */
  | { readonly kind: 'held' }
  /** The store cannot be asked now. */
  | { readonly kind: 'unavailable' };

/**
 * Remembers which commands are being sent and how they ended, so that none is sent twice: absent → claimed → settled.
 *
 * - A claim is made immediately before each call (`calling`), and kept while the command waits for another try (`waiting`): if
 *   its process dies meanwhile, only the former leaves in doubt whether the API took the command.
 * - It is settled or released, never merely left.
 *
 * No method rejects. What cannot be written now is written as soon as the store is back.
 */
export interface SettledStore {
  /** Asks whether the command may be sent now; where the answer is `claimed` or `in-doubt` it is this process's. */
  claim(claim: Claim, progress: Progress): Promise<ClaimAnswer> | ClaimAnswer;
  /** The call came back without a final answer: the command waits, and nothing of it is on the wire. */
  keep(claim: Claim, progress: Progress): void;
  /** Resolves once that is written, or cannot be for now. */
  settle(claim: Claim, at: SettledAt): Promise<void> | void;
  /** The command is given up unsettled, since another process goes on with it: it may claim at once. */
  release(claim: Claim, progress: Progress): void;
  /** False while commands cannot be claimed. */
  readonly isAvailable: boolean;
  /** Whether it outlives the process: what `at-most-once` needs. */
  readonly isDurable: boolean;
  start(): Promise<void>;
  /** Writes what is still to be written, as far as that goes at once, and closes. */
  stop(): Promise<void>;
}

/** Injection token of the {@link SettledStore}. */
export const SETTLED_STORE = Symbol('SETTLED_STORE');
