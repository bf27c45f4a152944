import type { Config } from '../config/config';
import type { Outcome, Settled } from '../contract/outcome';
import { fullJitter } from '../messages-api/backoff';
import type { CallResult } from '../messages-api/call-result';
import type { Telemetry } from '../observability/telemetry';
import type { Call } from './api-health/api-gate';
import { isCommandsOwnFailure, isSuccess, isUnasked } from './api-health/answer';
import type { RefusalVerdict } from './api-health/credential';
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
  /** Another try as soon as the API accepts its key, or serves its workspace with it. */
  | { readonly kind: 'refused' };

interface Deps {
  readonly config: Pick<Config['dispatch'], 'retry' | 'retryTopicDelays'>;
  readonly random: () => number;
  readonly telemetry: Telemetry;
}

/** `Retry-After: 0` asks for no wait, and would be answered at wire speed. */
const LEAST_WAIT_MS = 100;

/** Beyond the longest pause, for which a limited workspace is remembered. */
const LIMITED_KEPT_MS = 600_000;

/** Decides what follows from each call: the count of attempts, the waits between them, and where they end. */
export class FollowUps {
  private readonly limited: LimitedScopes;

  constructor(private readonly deps: Deps) {
    this.limited = new LimitedScopes(deps.config.retry.retryAfterMaxMs + LIMITED_KEPT_MS);
  }

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
        return afterRefusal(
          job,
          call.credential.unauthorized(job, call.circuit.acceptedAtMs, call.startedMs, call.endedMs),
        );
      case 'forbidden':
        job.forbidden = verdict.response;
        return afterRefusal(job, call.credential.forbidden(job, call.startedMs, call.endedMs));
      case 'retry':
        job.perhapsSent ||= verdict.perhapsSent;
        return this.afterFailure(job, result, verdict.reason, call);
    }
  }

  private afterFailure(job: Job, result: CallResult, reason: RetryReason, call: Call): FollowUp {
    const { config, telemetry, random } = this.deps;
    const { startedMs, endedMs, probe, circuit } = call;
    const isProbe = probe.length > 0;
    const excusable = !isUnasked(result) && !(isProbe && isCommandsOwnFailure(result));
    job.failures.push({ startedMs, endedMs, excusable });
    const attempts = (job.failures = attemptsOf(job, circuit));
    const spent = attempts.length;
    // Failures of an earlier outage are no reason to look back to it: what succeeded since would hide this one.
    const firstMs = attempts[0]?.endedMs ?? endedMs;
    const lastButOneMs = attempts.at(-2)?.endedMs ?? firstMs;
    const isSpent = spent >= config.retry.maxAttempts;
    if (isSpent && !circuit.suspects(firstMs, lastButOneMs, endedMs)) {
      const settled = settledWithout('failed', job, 'detail' in result ? result.detail : '');
      return job.perhapsSent || job.round >= config.retryTopicDelays.length
        ? { kind: 'end', settled }
        : { kind: 'park', round: job.round + 1, settled };
    }
    telemetry.retried(job.channel, reason);
    const jitterMs = fullJitter(config.retry, Math.max(1, spent), random);
    return { kind: 'wait', delayMs: isSpent ? config.retry.baseDelayMs + jitterMs : jitterMs };
  }

  /**
   * A limit of the API holds back the command's workspace on its channel, and uses up no attempt. Where the API keeps
   * refusing this command while it serves others of the workspace, the command alone waits, and each further refusal is
   * an attempt.
   */
  private afterLimit(job: Job, retryAfterMs: number | null, call: Call): FollowUp {
    const { retry } = this.deps.config;
    const { startedMs, endedMs } = call;
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
        if (attemptsOf(job, call.circuit).length < retry.maxAttempts)
          return { kind: 'limited', delayMs, pausesWorkspace: false };
        const error = 'the API limits this command while it serves others';
        return { kind: 'end', settled: settledWithout('failed', job, error) };
      }
    }
  }
}

/** Failures that are not an outage's. */
function attemptsOf(job: Job, circuit: Call['circuit']): Job['failures'] {
  return job.failures.filter((f) => !(f.excusable && circuit.excuses(f.startedMs, f.endedMs)));
}

function afterRefusal(job: Job, verdict: RefusalVerdict): FollowUp {
  switch (verdict.kind) {
    case 'reject':
      return { kind: 'end', settled: forbidden(job) };
    case 'hold':
      return { kind: 'wait', delayMs: verdict.delayMs };
    case 'refused':
      return { kind: 'refused' };
  }
}

/** An outcome without an answer of the API. */
export function settledWithout(outcome: Outcome, job: Job, error: string): Settled {
  return { outcome, response: { id: '', status: '', error }, attempts: job.calls, httpStatus: job.httpStatus };
}

/** How a command ends whose 403 was its own. */
export function forbidden(job: Job): Settled {
  return { outcome: 'rejected', response: job.forbidden, attempts: job.calls, httpStatus: job.httpStatus };
}
