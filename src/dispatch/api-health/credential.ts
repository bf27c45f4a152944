import { Breaker, type Passage } from './breaker';

const FORBIDDEN_APART_MS = 5_000;
const FORBIDDEN_TIMES = 3;
const FORBIDDEN_HELD = 20;

/** What a 403 means for the command that got it. */
export type ForbiddenVerdict =
  /** The command's fault: the credential works for others, or the API has said so often enough. */
  | 'reject'
  /** Not known yet: ask again after `waitMs`, unless a success of another command decides it earlier. */
  | { readonly holdMs: number }
  /** The credential's fault, like a 401: its commands wait until it works again. */
  | 'credential';

interface Held {
  times: number;
  lastAtMs: number;
}

/**
 * One credential's standing with the API. A 401 is always the credential's fault; a 403 may be the command's: it is held
 * until another command of the credential succeeds, or until its third 403, each at least 5 s after the last; twenty held
 * with no success between are the credential's.
 */
export class Credential<C extends object> {
  private readonly breaker = new Breaker();
  private readonly held = new Map<C, Held>();

  get isRefused(): boolean {
    return !this.breaker.isClosed;
  }

  passage(nowMs: number): Passage {
    return this.breaker.passage(nowMs);
  }

  probing(nowMs: number): void {
    this.breaker.probing(nowMs);
  }

  unprobed(): void {
    this.breaker.unprobed();
  }

  /** A call of the command succeeded. Returns the held commands whose 403 is now known to be their own. */
  success(command: C): C[] {
    if (this.held.size === 0) return [];
    this.held.delete(command);
    const own = [...this.held.keys()];
    this.held.clear();
    return own;
  }

  /** A probe came back. Only a success closes the breaker; any other answer says nothing good of the credential. */
  probed(isSuccess: boolean): void {
    this.breaker.probed(isSuccess ? 'better' : 'no-better');
  }

  unauthorized(nowMs: number): void {
    this.refuse(nowMs);
  }

  forbidden(command: C, nowMs: number): ForbiddenVerdict {
    if (this.isRefused) return 'credential';
    const held = this.held.get(command) ?? { times: 0, lastAtMs: -Infinity };
    if (nowMs - held.lastAtMs >= FORBIDDEN_APART_MS) {
      held.times++;
      held.lastAtMs = nowMs;
    }
    if (held.times >= FORBIDDEN_TIMES) {
      this.held.delete(command);
      return 'reject';
    }
    this.held.set(command, held);
    if (this.held.size < FORBIDDEN_HELD) return { holdMs: held.lastAtMs + FORBIDDEN_APART_MS - nowMs };
    this.refuse(nowMs);
    return 'credential';
  }

  /** The command is no longer this replica's. */
  forget(command: C): void {
    this.held.delete(command);
  }

  /** What was held is forgiven: its 403s were the credential's. */
  private refuse(nowMs: number): void {
    this.breaker.trip(nowMs);
    this.held.clear();
  }
}
