import type { Settled } from '../contract/outcome';

/** Identifies a command that is about to be sent. */
export interface Claim {
  /** The command's `commandKey`: no other command has it. */
  readonly key: string;
  /** Digest of the `request`. The same id with another `request` is another command. */
  readonly digest: string;
  /** The record it was read from, `<topic>/<partition>/<offset>`. Only this record may claim the command again. */
  readonly record: string;
  /** Names the redrive it comes from; null for none. A new redrive may be sent although the command is settled. */
  readonly redrive: string | null;
}

/** The calls of a command so far. */
export interface Progress {
  /** Number of calls. */
  readonly attempts: number;
  /** Whether one of them may have reached the API without a final answer. */
  readonly perhapsSent: boolean;
}

/** How a command ended, and when: milliseconds since the epoch. */
export interface SettledAt {
  readonly settled: Settled;
  readonly completedAtMs: number;
}

/** The store's answer to a claim. */
export type ClaimAnswer =
  /** It may be sent. `progress` is the larger one of the given progress and that of earlier claims. */
  | { readonly kind: 'claimed'; readonly progress: Progress }
  /** It is claimed, but its last owner died when a call may have been in flight. `progress` counts that call. */
  | { readonly kind: 'in-doubt'; readonly progress: Progress }
  /** It is settled already and must not be sent. */
  | { readonly kind: 'settled'; readonly at: SettledAt }
  /** Its id belongs to a command with another `request`. */
  | { readonly kind: 'other-request' }
  /** A live process has claimed it, or this process for another record. The caller asks again later. */
  | { readonly kind: 'claimed-elsewhere' }
  /** The store cannot be asked now. */
  | { readonly kind: 'unavailable' };

/**
 * Remembers which commands are being sent and how they ended, so that none is sent twice: absent → claimed → settled.
 *
 * - A claim is made immediately before each call (state `calling`). It is kept while the command waits for its next
 *   attempt (state `waiting`). If the process dies in `calling`, nobody knows whether the API took the command; in
 *   `waiting` the API surely did not take it, unless `perhapsSent` says so.
 * - Every claim ends with `remember` or `release`.
 *
 * No method but `start` rejects. What cannot be written now is written as soon as the store is back.
 */
export interface SettledStore {
  /** Asks whether the command may be sent now. With `claimed` and `in-doubt` this process has claimed it. */
  claim(claim: Claim, progress: Progress): Promise<ClaimAnswer> | ClaimAnswer;
  /** The call had no final answer: the command waits for its next attempt and is not in flight. */
  keep(claim: Claim, progress: Progress): void;
  /** Remembers how the command ended. Resolves once that is written, or once it cannot be written for now. */
  remember(claim: Claim, at: SettledAt): Promise<void> | void;
  /**
   * Gives up the claim of a command that is not settled, since another process goes on with it and may claim at once.
   */
  release(claim: Claim, progress: Progress): void;
  /** False while commands cannot be claimed. */
  readonly isAvailable: boolean;
  /** Whether its content outlives the process. `at-most-once` needs that. */
  readonly isDurable: boolean;
  /** @throws Error that names the setting by which the store can never be reached */
  start(): Promise<void>;
  /** Writes what can still be written at once, and closes. */
  stop(): Promise<void>;
}

/** Injection token of the {@link SettledStore}. */
export const SETTLED_STORE = Symbol('SETTLED_STORE');
