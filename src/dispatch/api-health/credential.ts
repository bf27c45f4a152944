import type { Channel } from '../../contract/channels';
import { type Passage, stricter } from './breaker';
import type { Probed } from './circuit';
import { Refusal } from './refusal';

const ASK_AGAIN_MS = 5_000;
const FORBIDDEN_TIMES = 3;
const FORBIDDEN_HELD = 20;
/** A workspace that waits and has nothing to be tried with is forgotten after this long. */
const WAITING_KEPT_MS = 600_000;

/** What is known of a command that may be refused. */
export interface Refusable {
  readonly channel: Channel;
  readonly workspaceId: string;
}

/** What a 401 or 403 means for the command that got it. */
export type RefusalVerdict =
  /** The command's fault: the credential works for others, or the API has said so often enough. */
  | { readonly kind: 'reject' }
  /** Perhaps, or surely, the command's fault: it alone is asked again after `delayMs`. */
  | { readonly kind: 'hold'; readonly delayMs: number }
  /** Its workspace waits, or all that use the key. */
  | { readonly kind: 'refused' };

const REJECT: RefusalVerdict = { kind: 'reject' };
const REFUSED: RefusalVerdict = { kind: 'refused' };

interface Standing {
  /** When it was last refused with 401; never: Infinity. */
  unauthorizedAtMs: number;
  /** Its workspace is served, so its 401s are its own. */
  isAlone: boolean;
  /** Its 403s at least 5 s apart, and when the last one came. */
  forbiddenTimes: number;
  forbiddenAtMs: number;
}

/**
 * One key's standing with the API, and that of the workspaces that use it, each on each channel.
 *
 * - 401: the workspace waits and is probed. If another workspace has been refused too and nothing has succeeded with
 *   the key
 *   between, the key is refused. If the workspace has been served since the command was refused, the command alone
 *   waits.
 * - 403: the command is held. It is rejected once another one has succeeded, or at its third 403 at least 5 s apart;
 *   twenty
 *   held with no success between count as 401s, and are forgiven.
 */
export class Credential<C extends Refusable> {
  private readonly key = new Refusal(false);
  /** Workspaces on a channel that wait. */
  private readonly waiting = new Map<string, Refusal>();
  /** Commands held for a 403, since the last success. */
  private readonly held = new Set<C>();
  private readonly standings = new WeakMap<C, Standing>();
  /** The first workspace that was refused since the last success, and when. */
  private refusedWorkspace: string | null = null;
  private refusedAtMs = 0;
  private succeededAtMs = -Infinity;

  /** Whether the key is refused, whatever the workspace. */
  get isRefused(): boolean {
    return this.key.isOpen;
  }

  /** Whether everything that was tried since the last success was refused. */
  get isDoubted(): boolean {
    return this.key.isOpen || this.refusedWorkspace !== null;
  }

  /** Workspaces, each on a channel, that wait because the API refuses them. */
  get workspacesRefused(): number {
    return this.waiting.size;
  }

  passage(channel: Channel, workspaceId: string, nowMs: number): Passage {
    const passage = this.key.passageOf(workspaceId, nowMs);
    if (this.waiting.size === 0) return passage;
    const waiting = this.waiting.get(idOf(channel, workspaceId));
    return waiting === undefined ? passage : stricter(passage, waiting.passage(nowMs));
  }

  /** A call is made. Returns what it probes. */
  begin({ channel, workspaceId }: C, nowMs: number): Probed[] {
    const waiting = this.waiting.size === 0 ? undefined : this.waiting.get(idOf(channel, workspaceId));
    const probed = [this.key, waiting].filter((refusal) => refusal?.isOpen === true);
    for (const refusal of probed) refusal?.probing(workspaceId, nowMs);
    return probed.filter((refusal) => refusal !== undefined);
  }

  /** A call of the command succeeded. Returns the held commands whose 403 is now known to be their own. */
  success(command: C, nowMs: number): C[] {
    this.succeededAtMs = nowMs;
    this.refusedWorkspace = null;
    if (this.waiting.size > 0) this.waiting.delete(idOf(command.channel, command.workspaceId));
    if (this.held.size === 0) return [];
    this.held.delete(command);
    const own = [...this.held];
    this.held.clear();
    return own;
  }

  /**
   * @param servedAtMs when the workspace was last served on that channel
   * @param startedMs when the call was made
   */
  unauthorized(command: C, servedAtMs: number, startedMs: number, nowMs: number): RefusalVerdict {
    const standing = this.standingOf(command);
    standing.isAlone ||= servedAtMs > standing.unauthorizedAtMs;
    standing.unauthorizedAtMs = nowMs;
    if (standing.isAlone) return { kind: 'hold', delayMs: ASK_AGAIN_MS };
    this.refuse(command, startedMs, nowMs);
    return REFUSED;
  }

  /** @param startedMs when the call was made */
  forbidden(command: C, startedMs: number, nowMs: number): RefusalVerdict {
    const standing = this.standingOf(command);
    if (this.succeededAtMs > standing.forbiddenAtMs) return this.reject(command);
    if (this.key.isOpen || this.waiting.has(idOf(command.channel, command.workspaceId))) {
      standing.forbiddenAtMs = nowMs;
      this.refuse(command, startedMs, nowMs);
      return REFUSED;
    }
    const sinceMs = nowMs - standing.forbiddenAtMs;
    if (standing.forbiddenTimes === 0 || sinceMs >= ASK_AGAIN_MS) {
      standing.forbiddenTimes++;
      standing.forbiddenAtMs = nowMs;
    }
    if (standing.forbiddenTimes >= FORBIDDEN_TIMES) return this.reject(command);
    this.held.add(command);
    if (this.held.size < FORBIDDEN_HELD) {
      return { kind: 'hold', delayMs: standing.forbiddenAtMs + ASK_AGAIN_MS - nowMs };
    }
    for (const held of this.held) {
      this.refuse(held, nowMs, nowMs);
      this.standingOf(held).forbiddenTimes = 0;
    }
    this.held.clear();
    return REFUSED;
  }

  /** The command has ended, or is no longer this replica's. */
  forget(command: C): void {
    if (this.held.size > 0) this.held.delete(command);
  }

  /** Forgets workspaces that nothing has been tried of for long. */
  sweep(nowMs: number): void {
    for (const [id, { triedAtMs }] of this.waiting) {
      if (nowMs - triedAtMs > WAITING_KEPT_MS) this.waiting.delete(id);
    }
  }

  /**
   * Two calls that were on the wire together do not tell whether the key works in between: the second refusal counts
   * against
   * the key if its call was made after the first one was answered.
   */
  private refuse({ channel, workspaceId }: C, startedMs: number, nowMs: number): void {
    const id = idOf(channel, workspaceId);
    const waiting = this.waiting.get(id) ?? new Refusal(true);
    this.waiting.set(id, waiting);
    waiting.trip(nowMs);
    if (this.refusedWorkspace === null) {
      this.refusedWorkspace = workspaceId;
      this.refusedAtMs = nowMs;
    } else if (this.refusedWorkspace !== workspaceId && startedMs >= this.refusedAtMs) {
      this.key.trip(nowMs);
      this.key.wasTried(this.refusedWorkspace);
    }
    if (this.key.isOpen) this.key.wasTried(workspaceId);
  }

  /** What the API refuses is this command, not its workspace. */
  private reject(command: C): RefusalVerdict {
    this.held.delete(command);
    this.waiting.delete(idOf(command.channel, command.workspaceId));
    return REJECT;
  }

  private standingOf(command: C): Standing {
    let standing = this.standings.get(command);
    if (standing === undefined) {
      standing = { unauthorizedAtMs: Infinity, isAlone: false, forbiddenTimes: 0, forbiddenAtMs: Infinity };
      this.standings.set(command, standing);
    }
    return standing;
  }
}

function idOf(channel: Channel, workspaceId: string): string {
  return `${channel}/${workspaceId}`;
}
