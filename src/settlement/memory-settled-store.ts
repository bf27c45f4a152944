import { LRUCache } from 'lru-cache';
import { fromFields, type SettledFields, toFields } from './settled-fields';
import type { Claim, ClaimAnswer, Progress, SettledAt, SettledStore } from './settled-store';

/** What {@link MemorySettledStore} is made of. */
export interface MemorySettledStoreOptions {
  /** How long an ended command is remembered, and what one that was given up had come to. */
  readonly ttlMs: number;
  /** How many of these are remembered at most; those not seen for longest go first. Room for the list is taken at once. */
  readonly maxCommands: number;
  /** Never falling. */
  readonly nowMs: () => number;
}

/** What is known of a command. */
interface Known {
  readonly digest: string;
  readonly redrive: string | null;
  readonly progress: Progress;
  /** Null until it has ended. */
  readonly at: SettledAt | null;
}

/** A command that this process has in hand. */
interface InHand extends Known {
  readonly record: string;
  progress: Progress;
}

/** One string per command, since an object each would take several times the memory. */
type Remembered =
  | readonly [digest: string, redrive: string | null, ...SettledFields]
  | readonly [digest: string, redrive: string | null, attempts: number, perhapsSent: boolean];

const NOTHING: Progress = { attempts: 0, perhapsSent: false };
const OTHER_REQUEST: ClaimAnswer = { kind: 'other-request' };
const HELD: ClaimAnswer = { kind: 'held' };

/**
 * Remembers within this process alone: what another replica sends, or an earlier start of this one sent, is unknown to it. It
 * answers at once, is always there, and is never in doubt.
 *
 * Commands in hand are never forgotten; their number is what the process holds. A redriven command keeps what it ended as
 * before until it ends again, so that giving it up before its first call changes nothing.
 */
export class MemorySettledStore implements SettledStore {
  readonly isAvailable = true;
  readonly isDurable = false;
  readonly #inHand = new Map<string, InHand>();
  readonly #remembered: LRUCache<string, string>;

  constructor({ ttlMs, maxCommands, nowMs }: MemorySettledStoreOptions) {
    this.#remembered = new LRUCache({
      max: maxCommands,
      ttl: ttlMs,
      // Else it sets a timer with every look at the clock.
      ttlResolution: 0,
      // It takes 0 for "lives for ever".
      perf: { now: () => nowMs() + 1 },
    });
  }

  claim(claim: Claim, told: Progress): ClaimAnswer {
    const { key } = claim;
    const inHand = this.#inHand.get(key);
    const known = inHand ?? this.#recall(key);
    if (known === undefined) return this.#take(claim, claim.redrive, told);

    const isSameRequest = known.digest === claim.digest;
    const isRedriven = isNewRedrive(claim, known);
    if (!isSameRequest && !isRedriven) return OTHER_REQUEST;
    if (inHand !== undefined && inHand.record !== claim.record) return HELD;
    const token = claim.redrive ?? known.redrive;
    if (known.at !== null) {
      return isRedriven ? this.#take(claim, token, told) : { kind: 'settled', at: known.at };
    }
    if (inHand === undefined) this.#remembered.delete(key);
    return this.#take(claim, token, isSameRequest ? larger(told, known.progress) : told);
  }

  keep(claim: Claim, told: Progress): void {
    const held = this.#inHand.get(claim.key);
    if (held?.record === claim.record) held.progress = larger(told, held.progress);
  }

  settle(claim: Claim, at: SettledAt): void {
    const { key } = claim;
    const known = this.#inHand.get(key) ?? this.#recall(key);
    // An end that is there already stays.
    if (known !== undefined && known.at !== null && !isNewRedrive(claim, known)) return;
    this.#inHand.delete(key);
    const redrive = claim.redrive ?? (known?.digest === claim.digest ? known.redrive : null);
    this.#remember(key, [claim.digest, redrive, ...toFields(at)]);
  }

  release(claim: Claim, told: Progress): void {
    const { key } = claim;
    const held = this.#inHand.get(key);
    if (held?.record !== claim.record) return;
    this.#inHand.delete(key);
    const { attempts, perhapsSent } = larger(told, held.progress);
    if (attempts > 0 || perhapsSent) this.#remember(key, [held.digest, held.redrive, attempts, perhapsSent]);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  #take({ key, digest, record }: Claim, redrive: string | null, progress: Progress): ClaimAnswer {
    this.#inHand.set(key, { digest, redrive, record, progress, at: null });
    return { kind: 'claimed', progress };
  }

  #recall(key: string): Known | undefined {
    const text = this.#remembered.get(key);
    if (text === undefined) return undefined;
    const remembered = JSON.parse(text) as Remembered;
    if (remembered.length === 4) {
      const [digest, redrive, attempts, perhapsSent] = remembered;
      return { digest, redrive, progress: { attempts, perhapsSent }, at: null };
    }
    const [digest, redrive, ...fields] = remembered;
    return { digest, redrive, progress: NOTHING, at: fromFields(fields) };
  }

  #remember(key: string, remembered: Remembered): void {
    this.#remembered.set(key, JSON.stringify(remembered));
  }
}

function isNewRedrive({ redrive }: Claim, known: Known): boolean {
  return redrive !== null && redrive !== known.redrive;
}

function larger(told: Progress, known: Progress): Progress {
  if (told.attempts >= known.attempts && (told.perhapsSent || !known.perhapsSent)) return told;
  return {
    attempts: Math.max(told.attempts, known.attempts),
    perhapsSent: told.perhapsSent || known.perhapsSent,
  };
}
