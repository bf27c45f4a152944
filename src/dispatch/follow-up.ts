import type { Config } from '../config/config';
import type { Outcome, Settled } from '../contract/outcome';
import { fullJitter } from '../messages-api/backoff';
import type { CallResult } from '../messages-api/call-result';
import type { Telemetry } from '../observability/telemetry';
import type { ApiGate, Call } from './api-health/api-gate';
import { isCommandsOwnFailure, isSuccess, isUnasked } from './api-health/answer';
import type { Job } from './job';
import { LimitedScopes } from './schedule/limited-scopes';
import { judge, type RetryReason } from './verdict';

/** What becomes of a command after a call. */
export type FollowUp =
  | { readonly kind: 'end'; readonly settled: Settled }
  /** Not sent so far, and tried often enough in place: on to the next retry topic. */
  | { readonly kind: 'park'; readonly round: number; readonly settled: Settled }
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** Another try when the API's limit permits, for which perhaps its whole workspace on that channel waits. */
  | { readonly kind: 'limited'; readonly delayMs: number; readonly pausesWorkspace: boolean }
  /** Another try as soon as the credential works again. */
  | { readonly kind: 'refused' };

interface Deps {
  readonly config: Pick<Config['dispatch'], 'retry' | 'retryTopicDelays'>;
  readonly gate: ApiGate;
  readonly random: () => number;
  readonly telemetry: Telemetry;
}

/** `Retry-After: 0` asks for no wait, and would be answered at wire speed. */
const LEAST_WAIT_MS = 100;

/** Decides what follows from each call: the count of attempts, the waits between them, and where they end. */
export class FollowUps {
  private readonly limited = new LimitedScopes();

  constructor(private readonly deps: Deps) {}

  after(job: Job, result: CallResult, call: Call): FollowUp {
    if (isSuccess(result)) this.limited.served(job.channel, job.workspaceId);
    const verdict = judge(result, job.delivery);
    switch (verdict.kind) {
      case 'settle': {
        const { outcome, response } = verdict;
        return { kind: 'end', settled: { outcome, response, attempts: job.calls, httpStatus: job.httpStatus } };
      }
      case 'limited':
        return this.afterLimit(job, verdict.retryAfterMs, call);
      case 'unauthorized':
        call.credential.unauthorized(call.endedMs);
        return { kind: 'refused' };
      case 'forbidden':
        return this.afterForbidden(job, call);
      case 'retry':
        job.perhapsSent ||= verdict.perhapsSent;
        return this.afterFailure(job, result, verdict.reason, call);
    }
  }

  private afterFailure(job: Job, result: CallResult, reason: RetryReason, call: Call): FollowUp {
    const { config, gate, telemetry, random } = this.deps;
    const { startedMs, endedMs, probe } = call;
    const isProbe = probe.circuit || probe.credential !== null;
    const excusable = !isUnasked(result) && !(isProbe && isCommandsOwnFailure(result));
    job.failures.push({ startedMs, endedMs, excusable });
    const attempts = this.attempts(job);
    const spent = attempts.length;
    // Failures of an earlier outage are no reason to look back to it: what succeeded since would hide this one.
    const firstMs = attempts[0]?.endedMs ?? endedMs;
    if (spent >= config.retry.maxAttempts && !gate.suspects(firstMs, endedMs)) {
      const settled = settledWithout('failed', job, 'detail' in result ? result.detail : '');
      return job.perhapsSent || job.round >= config.retryTopicDelays.length
        ? { kind: 'end', settled }
        : { kind: 'park', round: job.round + 1, settled };
    }
    telemetry.retried(job.channel, reason);
    return { kind: 'wait', delayMs: fullJitter(config.retry, Math.max(1, spent), random) };
  }

  /** Failures that are not an outage's. */
  private attempts(job: Job): Job['failures'] {
    const { gate } = this.deps;
    return job.failures.filter((f) => !(f.excusable && gate.excuses(f.startedMs, f.endedMs)));
  }

  /**
   * A limit of the API holds back the command's workspace on its channel, and uses up no attempt. Where the API keeps
   * refusing this command while it serves others of the workspace, the command alone waits, and each further refusal is
   * an attempt.
   */
  private afterLimit(job: Job, retryAfterMs: number | null, { startedMs, endedMs }: Call): FollowUp {
    const { retry } = this.deps.config;
    const standing = this.limited.refused(job, startedMs, endedMs);
    const delayMs =
      retryAfterMs === null
        ? fullJitter(retry, standing.consecutive, this.deps.random)
        : Math.min(Math.max(retryAfterMs, LEAST_WAIT_MS), retry.retryAfterMaxMs);
    this.deps.telemetry.retried(job.channel, 'limited');
    switch (standing.affects) {
      case 'workspace':
        return { kind: 'limited', delayMs, pausesWorkspace: true };
      case 'command':
        return { kind: 'limited', delayMs, pausesWorkspace: false };
      case 'attempt': {
        job.failures.push({ startedMs, endedMs, excusable: false });
        if (this.attempts(job).length < retry.maxAttempts) return { kind: 'limited', delayMs, pausesWorkspace: false };
        const error = 'the API limits this command while it serves others';
        return { kind: 'end', settled: settledWithout('failed', job, error) };
      }
    }
  }

  private afterForbidden(job: Job, call: Call): FollowUp {
    const verdict = call.credential.forbidden(job, call.endedMs);
    if (verdict === 'reject') return { kind: 'end', settled: forbidden(job) };
    if (verdict === 'credential') return { kind: 'refused' };
    return { kind: 'wait', delayMs: verdict.holdMs };
  }
}

/** An outcome without an answer of the API. */
export function settledWithout(outcome: Outcome, job: Job, error: string): Settled {
  return { outcome, response: { id: '', status: '', error }, attempts: job.calls, httpStatus: job.httpStatus };
}

/** How a command ends whose 403 was its own. */
export function forbidden(job: Job): Settled {
  return settledWithout('rejected', job, 'HTTP 403');
}
