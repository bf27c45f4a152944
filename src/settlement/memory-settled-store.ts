import { LRUCache } from 'lru-cache';
import { fromFields, type SettledFields, toFields } from './settled-fields';
import type { Claim, ClaimAnswer, Progress, SettledAt, SettledStore } from './settled-store';

/** Options of {@link MemorySettledStore}. */
export interface MemorySettledStoreOptions {
  /** How long a settled command is remembered, and also the progress of a released one. */
  readonly ttlMs: number;
  /**
   * Most commands that are remembered; those not seen for longest go first. Memory for the list is allocated at once.
   */
  readonly maxCommands: number;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}

/** What the store knows about a command. */
interface Known {
  readonly digest: string;
  readonly redrive: string | null;
  readonly progress: Progress;
  /** Null until it is settled. */
  readonly at: SettledAt | null;
}

/** A command that this process has claimed. */
interface InHand extends Known {
  readonly record: string;
  progress: Progress;
}

/** Stored as one string for each command: an object would take several times the memory. */
type Remembered =
  | readonly [digest: string, redrive: string | null, ...SettledFields]
  | readonly [digest: string, redrive: string | null, attempts: number, perhapsSent: boolean];

const NOTHING: Progress = { attempts: 0, perhapsSent: false };
const OTHER_REQUEST: ClaimAnswer = { kind: 'other-request' };
const CLAIMED_ELSEWHERE: ClaimAnswer = { kind: 'claimed-elsewhere' };

/**
 * Remembers within this process only. It does not know what another replica sends, or what this one sent before its
 * restart. It answers at once, is always available, and never in doubt.
 *
 * Claimed commands are never forgotten; there are never more of them than commands in memory. A redriven command keeps
 * its first outcome until it ends again, so a release before its first call changes nothing.
 */
export class MemorySettledStore implements SettledStore {
  readonly isAvailable = true;
  readonly isDurable = false;
  private readonly inHand = new Map<string, InHand>();
  private readonly remembered: LRUCache<string, string>;

  constructor({ ttlMs, maxCommands, nowMs }: MemorySettledStoreOptions) {
    this.remembered = new LRUCache({
      max: maxCommands,
      ttl: ttlMs,
      // Any other value sets a timer whenever the cache reads the clock.
      ttlResolution: 0,
      // The cache takes a start at 0 for "never expires".
      perf: { now: () => nowMs() + 1 },
    });
  }

  claim(claim: Claim, told: Progress): ClaimAnswer {
    const { key } = claim;
    const inHand = this.inHand.get(key);
    const known = inHand ?? this.recall(key);
    if (known === undefined) return this.grant(claim, claim.redrive, told);

    const isSameRequest = known.digest === claim.digest;
    const isRedriven = isNewRedrive(claim, known);
    if (!isSameRequest && !isRedriven) return OTHER_REQUEST;
    if (inHand !== undefined && inHand.record !== claim.record) return CLAIMED_ELSEWHERE;
    const token = claim.redrive ?? known.redrive;
    if (known.at !== null) {
      return isRedriven ? this.grant(claim, token, told) : { kind: 'settled', at: known.at };
    }
    if (inHand === undefined) this.remembered.delete(key);
    return this.grant(claim, token, isSameRequest ? larger(told, known.progress) : told);
  }

  keep(claim: Claim, told: Progress): void {
    const inHand = this.inHand.get(claim.key);
    if (inHand?.record === claim.record) inHand.progress = larger(told, inHand.progress);
  }

  remember(claim: Claim, at: SettledAt): void {
    const { key } = claim;
    const known = this.inHand.get(key) ?? this.recall(key);
    // The first outcome stays.
    if (known !== undefined && known.at !== null && !isNewRedrive(claim, known)) return;
    this.inHand.delete(key);
    const redrive = claim.redrive ?? (known?.digest === claim.digest ? known.redrive : null);
    this.write(key, [claim.digest, redrive, ...toFields(at)]);
  }

  release(claim: Claim, told: Progress): void {
    const { key } = claim;
    const inHand = this.inHand.get(key);
    if (inHand?.record !== claim.record) return;
    this.inHand.delete(key);
    const { attempts, perhapsSent } = larger(told, inHand.progress);
    if (attempts > 0 || perhapsSent) this.write(key, [inHand.digest, inHand.redrive, attempts, perhapsSent]);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  private grant({ key, digest, record }: Claim, redrive: string | null, progress: Progress): ClaimAnswer {
    this.inHand.set(key, { digest, redrive, record, progress, at: null });
    return { kind: 'claimed', progress };
  }

  private recall(key: string): Known | undefined {
    const text = this.remembered.get(key);
    if (text === undefined) return undefined;
    const remembered = JSON.parse(text) as Remembered;
    if (remembered.length === 4) {
      const [digest, redrive, attempts, perhapsSent] = remembered;
      return { digest, redrive, progress: { attempts, perhapsSent }, at: null };
    }
    const [digest, redrive, ...fields] = remembered;
    return { digest, redrive, progress: NOTHING, at: fromFields(fields) };
  }

  private write(key: string, remembered: Remembered): void {
    this.remembered.set(key, JSON.stringify(remembered));
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
