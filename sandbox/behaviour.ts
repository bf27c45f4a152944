import { isFaultName } from './fault-table.ts';
import type { FaultName } from './fault-table.ts';

/**
 * At most rate × window + burst calls in any window. The rate is `count` per `windowMs`, or `ratePerSecond`. `burst`
 * defaults to 50 ms' worth, at least 1. Calls may arrive up to `slackMs` early (default 25; 0 is exact), because a
 * client that paces by its own clock cannot know how long each call takes to arrive.
 */
export type RateLimit = { readonly burst?: number; readonly slackMs?: number } & (
  { readonly count: number; readonly windowMs: number } | { readonly ratePerSecond: number }
);

/** `perWorkspace` and `perRecipient` also count per channel. A call must pass all limits that are set. */
export interface RateLimits {
  readonly perChannel?: RateLimit;
  readonly perWorkspace?: RateLimit;
  readonly perRecipient?: RateLimit;
}

/** Calls that meet all given conditions get the fault: the first `times` of them, or all. */
export interface FaultRule {
  readonly match: {
    readonly keyPrefix?: string;
    /** Contact id, or phone number with or without `+`. */
    readonly recipient?: string;
    readonly workspace?: string;
    readonly channel?: string;
  };
  readonly fault: FaultName;
  readonly times?: number;
}

const OUTAGE_MODES = ['refuse', 'reset', 'hang', '500', '503'] as const;

/**
 * The whole API is away for `forMs`, or until the outage is set to null. `refuse` closes the port and all connections.
 */
export interface Outage {
  readonly mode: (typeof OUTAGE_MODES)[number];
  readonly forMs?: number;
}

const RETRY_AFTER_STYLES = ['seconds', 'date', 'none', 'garbage'] as const;

/** All settings; each can be set at the start and later. */
export interface Behaviour {
  readonly latencyMs: number;
  /** A random time up to this is added to the latency, evenly spread. */
  readonly jitterMs: number;
  readonly seed: number;
  /** Valid for every workspace without a key of its own. */
  readonly apiKeys: readonly string[];
  /**
   * Workspace id → its only key. Another workspace with this key, or this workspace with another valid key, is
   * forbidden (403).
   */
  readonly workspaceKeys: Readonly<Record<string, string>>;
  readonly rateLimits: RateLimits;
  /** The form of Retry-After headers; a number is always in seconds. */
  readonly retryAfter: (typeof RETRY_AFTER_STYLES)[number] | number;
  /** Shares of all valid calls. Their sum is at most 1. */
  readonly faultRates: Readonly<Partial<Record<FaultName, number>>>;
  /** After so many faults a key gets no more faults from `faultRates`; null for no such limit. */
  readonly faultsPerKey: number | null;
  /** Tried before the rates. The first rule that matches and is not used up decides. */
  readonly faultRules: readonly FaultRule[];
  readonly redirectLocation: string;
  readonly outage: Outage | null;
  /** Whether each call is kept for `GET /sandbox/calls`. A call takes about 300 bytes. */
  readonly recordCalls: boolean;
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  latencyMs: 0,
  jitterMs: 0,
  seed: 1,
  apiKeys: ['sandbox-key'],
  workspaceKeys: {},
  rateLimits: {},
  retryAfter: 'seconds',
  faultRates: {},
  faultsPerKey: null,
  faultRules: [],
  redirectLocation: 'http://127.0.0.1:9/elsewhere',
  outage: null,
  recordCalls: false,
};

/** Says what a value must be, if it is not that. */
type Check = (value: unknown) => string | null;
type Shape = Readonly<Record<string, Check>>;

/** The longest delay that setTimeout takes, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const milliseconds = numberWithin(0, MAX_TIMER_MS);
const positive = numberWithin(Number.MIN_VALUE, Number.MAX_VALUE);
const wholeNumber: Check = (value) => (Number.isSafeInteger(value) ? numberWithin(0)(value) : 'must be a whole number');
const string: Check = (value) => (typeof value === 'string' ? null : 'must be a string');
const headerText: Check = (value) =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? null : 'must be printable ASCII without blanks';
const outageShape = shaped({ mode: oneOf(OUTAGE_MODES), forMs: milliseconds }, ['mode']);
const limitShape: Shape = {
  count: positive,
  windowMs: positive,
  ratePerSecond: positive,
  burst: numberWithin(1),
  slackMs: milliseconds,
};
const rule = shaped(
  {
    match: shaped({ keyPrefix: string, recipient: string, workspace: string, channel: string }),
    fault: (value) => (typeof value === 'string' && isFaultName(value) ? null : 'must be the name of a fault'),
    times: wholeNumber,
  },
  ['match', 'fault'],
);

const SHAPE: Readonly<Record<keyof Behaviour, Check>> = {
  latencyMs: milliseconds,
  jitterMs: milliseconds,
  seed: wholeNumber,
  apiKeys: listOf(headerText),
  workspaceKeys: mapOf(headerText),
  rateLimits: shaped({ perChannel: rateLimit, perWorkspace: rateLimit, perRecipient: rateLimit }),
  retryAfter: (value) => (typeof value === 'number' ? wholeNumber(value) : oneOf(RETRY_AFTER_STYLES)(value)),
  faultRates,
  faultsPerKey: nullOr(wholeNumber),
  faultRules: listOf(rule),
  redirectLocation: headerText,
  outage: nullOr(outageShape),
  recordCalls: (value) => (typeof value === 'boolean' ? null : 'must be true or false'),
};

/** Names of the settings, in the order of the README's table. */
export const SETTINGS = Object.keys(SHAPE);

/** One line for each fault: a setting's name and what it must be, never its value. Empty if there is no fault. */
export function faultsOf(patch: unknown): string[] {
  if (!isRecord(patch)) return ['must be a JSON object'];
  return Object.entries(patch).flatMap(([name, value]) => {
    const fault = Object.hasOwn(SHAPE, name) ? SHAPE[name as keyof Behaviour](value) : 'is no setting';
    return fault === null ? [] : [`${name} ${fault}`];
  });
}

/** Whether `faultsOf` finds no fault. */
export function isBehaviourPatch(patch: unknown): patch is Partial<Behaviour> {
  return faultsOf(patch).length === 0;
}

function rateLimit(value: unknown): string | null {
  const fault = shaped(limitShape)(value);
  if (fault !== null || !isRecord(value)) return fault;
  const isCounted = value['count'] !== undefined && value['windowMs'] !== undefined;
  const isRated = value['ratePerSecond'] !== undefined;
  const isMixed = isRated && (value['count'] !== undefined || value['windowMs'] !== undefined);
  return isCounted !== isRated && !isMixed ? null : 'must have either count and windowMs or ratePerSecond';
}

function faultRates(value: unknown): string | null {
  const fault = mapOf(numberWithin(0, 1))(value);
  if (fault !== null || !isRecord(value)) return fault;
  const unknown = Object.keys(value).find((name) => !isFaultName(name));
  if (unknown !== undefined) return 'must name known faults';
  const sum = Object.values(value).reduce<number>((total, rate) => total + Number(rate), 0);
  return sum <= 1 + 1e-9 ? null : 'must sum to at most 1';
}

function numberWithin(min: number, max = Number.MAX_SAFE_INTEGER): Check {
  return (value) => (typeof value === 'number' && value >= min && value <= max ? null : 'must be a number in range');
}

function oneOf(options: readonly string[]): Check {
  return (value) => (options.some((option) => option === value) ? null : `must be one of ${options.join(', ')}`);
}

function nullOr(check: Check): Check {
  return (value) => (value === null ? null : check(value));
}

function listOf(check: Check): Check {
  return (value) => (Array.isArray(value) ? firstFault(value.entries(), () => check) : 'must be a list');
}

function mapOf(check: Check): Check {
  return (value) => (isRecord(value) ? firstFault(Object.entries(value), () => check) : 'must be an object');
}

function shaped(shape: Shape, required: readonly string[] = []): Check {
  return (value) => {
    if (!isRecord(value)) return 'must be an object';
    const missing = required.find((name) => value[name] === undefined);
    if (missing !== undefined) return `must have ${missing}`;
    return firstFault(Object.entries(value), (name) =>
      Object.hasOwn(shape, name) ? shape[name] : () => 'is no setting',
    );
  };
}

function firstFault<K extends string | number>(
  entries: Iterable<[K, unknown]>,
  checkFor: (name: K) => Check | undefined,
): string | null {
  for (const [name, value] of entries) {
    const fault = checkFor(name)?.(value) ?? null;
    if (fault !== null) return `${name} ${fault}`;
  }
  return null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
