import type { Channel } from '../../contract/channels';
import type { Job } from '../job';

/** Refusals of one command, while others of its workspace were served, after which the limit is taken for its own. */
const OWN_FAULT_AFTER = 10;

interface ScopeState {
  /** Calls that succeeded since the scope was first limited. */
  served: number;
  /** Refusals since the last call that was not refused; those of calls that were on the wire together count once. */
  consecutive: number;
  /** When the last of them was counted. */
  countedAtMs: number;
  refusedAtMs: number;
  /** For each refused command, what `served` was at its last refusal. */
  readonly refused: WeakMap<Job, number>;
}

/** How a refused command stands among the others of its workspace. */
export interface LimitedStanding {
  /** Refusals in a row within the workspace: the step of the backoff where the API names no time. */
  readonly consecutive: number;
  /**
   * `workspace`: all of it waits. `command`: the API serves the others, so this one waits alone. `attempt`: the same,
   * and
   * this refusal counts as one.
   */
  readonly affects: 'workspace' | 'command' | 'attempt';
}

/** How often workspaces are forgotten that have not been refused for long. */
const SWEEP_EVERY_MS = 60_000;

/** Which workspaces the API limits, and whether it limits all of them or single commands. */
export class LimitedScopes {
  private readonly scopes = new Map<string, ScopeState>();
  private sweptAtMs = -Infinity;

  /** @param keptMs for how long a workspace is remembered after a refusal: longer than it may be told to wait */
  constructor(private readonly keptMs: number) {}

  /** A call of this workspace succeeded. */
  served(channel: Channel, workspaceId: string): void {
    if (this.scopes.size === 0) return;
    const scope = this.scopes.get(scopeKey(channel, workspaceId));
    if (scope === undefined) return;
    scope.served++;
    scope.consecutive = 0;
  }

  /** A call of the job, on the wire from `startedMs` to `endedMs`, was refused. */
  refused(job: Job, startedMs: number, endedMs: number): LimitedStanding {
    this.sweep(endedMs);
    const scope = this.scopeOf(scopeKey(job.channel, job.workspaceId));
    scope.refusedAtMs = endedMs;
    if (startedMs >= scope.countedAtMs) {
      scope.consecutive++;
      scope.countedAtMs = endedMs;
    }
    const servedBefore = scope.refused.get(job);
    const wasOwnFault = job.timesLimited >= OWN_FAULT_AFTER;
    if (!wasOwnFault && scope.served > (servedBefore ?? Infinity)) job.timesLimited++;
    scope.refused.set(job, scope.served);
    const isOwnFault = job.timesLimited >= OWN_FAULT_AFTER;
    return { consecutive: scope.consecutive, affects: wasOwnFault ? 'attempt' : isOwnFault ? 'command' : 'workspace' };
  }

  private sweep(nowMs: number): void {
    if (nowMs - this.sweptAtMs < SWEEP_EVERY_MS) return;
    this.sweptAtMs = nowMs;
    for (const [key, { refusedAtMs }] of this.scopes) if (nowMs - refusedAtMs > this.keptMs) this.scopes.delete(key);
  }

  private scopeOf(key: string): ScopeState {
    let scope = this.scopes.get(key);
    if (scope === undefined) {
      scope = { served: 0, consecutive: 0, countedAtMs: -Infinity, refusedAtMs: 0, refused: new WeakMap() };
      this.scopes.set(key, scope);
    }
    return scope;
  }
}

function scopeKey(channel: Channel, workspaceId: string): string {
  return `${channel}/${workspaceId}`;
}
