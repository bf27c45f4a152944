import { hash } from 'node:crypto';
import { commandKey } from '../contract/command-key';
import type { Settled } from '../contract/outcome';
import type { Claim, ClaimAnswer, Progress, SettledStore } from '../settlement/settled-store';
import { settledWithout } from './follow-up';
import type { Job } from './job';

/** What a command's claim came to. */
export type Admission =
  | { readonly kind: 'send' }
  /** It ends without a call; `replayOf` is when it was settled, where it was. */
  | { readonly kind: 'end'; readonly settled: Settled; readonly replayOf: number | null }
  /** Somebody else has it, or it must not go without the store: to be asked again later. */
  | { readonly kind: 'wait'; readonly delayMs: number };

const SEND: Admission = { kind: 'send' };
/** 128 bits: two requests never share it by chance. */
const DIGEST_LENGTH = 22;
const FIRST_WAIT_MS = 100;
/** What a crashed process held is free within a second after its lease. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Makes sure that a command is sent by one process at a time, and never after it is settled. A claim that the store
 * cannot
 * take holds up only what asks for at most one delivery: the others are guarded by their partition's ledger alone
 * meanwhile.
 */
export class Claims {
  /** Claimed, and waiting for another try. */
  private readonly waiting = new Set<Job>();

  constructor(
    private readonly store: SettledStore,
    private readonly wallMs: () => number,
  ) {}

  /** To be asked immediately before each call. A promise only where the store is another process. */
  admit(job: Job): Admission | Promise<Admission> {
    job.claim ??= claimOf(job);
    this.waiting.delete(job);
    const answer = this.store.claim(job.claim, progressOf(job));
    return answer instanceof Promise ? answer.then((late) => admissionOf(job, late)) : admissionOf(job, answer);
  }

  /** The command waits for another try, and nothing of it is on the wire. */
  keep(job: Job): void {
    if (job.claim === null) return;
    this.store.keep(job.claim, progressOf(job));
    this.waiting.add(job);
  }

  /** The command is settled, and when, in milliseconds since the epoch: resolves once that is remembered. */
  settle(job: Job, settled: Settled): Promise<number> | number {
    const completedAtMs = this.wallMs();
    this.waiting.delete(job);
    const written = job.claim === null ? undefined : this.store.remember(job.claim, { settled, completedAtMs });
    return written instanceof Promise ? written.then(() => completedAtMs) : completedAtMs;
  }

  /** The command is somebody else's from here on. */
  release(job: Job): void {
    this.waiting.delete(job);
    if (job.claim !== null) this.store.release(job.claim, progressOf(job));
    job.claim = null;
  }

  /** Nothing is on the wire any more, and whatever waits will be read again. */
  releaseAll(): void {
    for (const job of this.waiting) this.release(job);
  }
}

function admissionOf(job: Job, answer: ClaimAnswer): Admission {
  switch (answer.kind) {
    case 'claimed':
      takeOver(job, answer.progress);
      return SEND;
    case 'in-doubt':
      takeOver(job, answer.progress);
      if (job.delivery === 'at-least-once') return SEND;
      return end(settledWithout('in-doubt', job, 'its process ended before the call was answered'), null);
    case 'settled':
      job.claim = null;
      return end(answer.at.settled, answer.at.completedAtMs);
    case 'other-request':
      job.claim = null;
      return end(settledWithout('invalid', job, 'id: was used before, with another request'), null);
    case 'claimed-elsewhere':
      job.claim = null;
      return { kind: 'wait', delayMs: nextWaitMs(job) };
    case 'unavailable':
      return job.delivery === 'at-least-once' ? SEND : { kind: 'wait', delayMs: nextWaitMs(job) };
  }
}

function end(settled: Settled, replayOf: number | null): Admission {
  return { kind: 'end', settled, replayOf };
}

function takeOver(job: Job, { attempts, perhapsSent }: Progress): void {
  job.timesHeld = 0;
  job.calls = Math.max(job.calls, attempts);
  job.perhapsSent ||= perhapsSent;
}

/** Doubles with each time in a row. */
function nextWaitMs(job: Job): number {
  return Math.min(FIRST_WAIT_MS * 2 ** job.timesHeld++, LONGEST_WAIT_MS);
}

function progressOf(job: Job): Progress {
  return { attempts: job.calls, perhapsSent: job.perhapsSent };
}

function claimOf({ channel, workspaceId, command, record, redrive }: Job): Claim {
  const digest = hash('sha256', command.body, 'base64url').slice(0, DIGEST_LENGTH);
  const place = `${record.topic}/${record.partition}/${record.offset}`;
  return { key: commandKey(channel, workspaceId, command.id), digest, record: place, redrive };
}
