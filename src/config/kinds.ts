import { isIPv6 } from 'node:net';
import { CHANNELS, type Channel } from '../contract/channels';
import {
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateBy,
  type ValidationOptions,
} from '../contract/class-validator';
import type { Delay, RateLimit, WorkspaceKeys } from './config';
import { DURATION_GRAMMAR, parseDuration } from './duration';
import { parseRateLimit, RATE_LIMIT_GRAMMAR } from './rate-limit';
import { parseWorkspaceKeys, WORKSPACE_KEYS_GRAMMAR } from './workspace-keys';

/** A kind of setting: which texts it permits and how they are read. If all checks pass, the parsed value is a T. */
export interface Kind<T> {
  /** Completes `<variable>: must be …`. */
  readonly mustBe: string;
  /** The value of the text, or something that the checks refuse. Never throws. */
  readonly parse: (text: string) => T | string | readonly string[];
  readonly checks: readonly ((options: ValidationOptions) => PropertyDecorator)[];
}

/** The longest wait of Node's timers, in milliseconds. With a longer one they fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Only decimal digits: no sign, fraction, exponent or leading zero. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  return {
    mustBe: `a whole number from ${min} to ${max}`,
    parse: (text) => (/^(0|[1-9]\d*)$/.test(text) ? Number(text) : text),
    checks: [IsInt, (options) => Min(min, options), (options) => Max(max, options)],
  };
}

export const boolean: Kind<boolean> = {
  mustBe: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  checks: [IsBoolean],
};

export function choice<T extends string>(values: readonly T[]): Kind<T> {
  return {
    mustBe: `one of ${values.join(', ')}`,
    parse: (text) => text,
    checks: [(options) => IsIn(values, options)],
  };
}

/** A text that the pattern matches. */
export function text(pattern: RegExp, mustBe: string): Kind<string> {
  return { mustBe, parse: (given) => given, checks: [(options) => Matches(pattern, options)] };
}

/** A name with the characters that Kafka permits in the name of a topic. */
export const name = text(/^[A-Za-z0-9._-]{1,200}$/, '1 to 200 letters, digits, dots, underscores or hyphens');

export const channels: Kind<readonly Channel[]> = {
  mustBe: `one or more of ${CHANNELS.join(', ')}, comma-separated, none twice`,
  parse: items,
  checks: [
    (options) => IsIn(CHANNELS, { ...options, each: true }),
    (options) => ArrayUnique<string>((channel) => channel, options),
  ],
};

export const brokers: Kind<readonly string[]> = {
  mustBe: 'one or more host:port, comma-separated',
  parse: items,
  checks: [
    (options) =>
      ValidateBy({ name: 'isHostAndPort', validator: { validate: isHostAndPort } }, { ...options, each: true }),
  ],
};

export const baseUrl: Kind<string> = {
  mustBe: 'an http or https URL without credentials, query or fragment',
  parse: (given) => given,
  checks: [(options) => ValidateBy({ name: 'isBaseUrl', validator: { validate: isBaseUrl } }, options)],
};

export const rateLimit: Kind<RateLimit> = {
  mustBe: RATE_LIMIT_GRAMMAR,
  parse: (given) => parseRateLimit(given) ?? given,
  checks: [IsObject],
};

/** `90s`, `1m`, `24h`: a whole number and a unit. */
export const duration: Kind<number> = {
  mustBe: DURATION_GRAMMAR,
  parse: (given) => parseDuration(given) ?? given,
  checks: [IsInt],
};

export const delays: Kind<readonly Delay[]> = {
  mustBe: 'durations such as 1m,10m,1h, from 1ms to 24d, comma-separated, none twice; or empty for none',
  parse: (given) => {
    const all = given === '' ? [] : items(given);
    const read = all.map((text) => ({ name: text, delayMs: parseDuration(text) }));
    const isRead = read.every((delay): delay is Delay => delay.delayMs !== null);
    return isRead && new Set(read.map(({ delayMs }) => delayMs)).size === read.length ? read : given;
  },
  checks: [IsArray],
};

export const redisUrl: Kind<string> = {
  mustBe:
    'a redis or rediss URL such as redis://:password@localhost:6379/0, a % in user name or password written as %25',
  parse: (given) => given,
  checks: [(options) => ValidateBy({ name: 'isRedisUrl', validator: { validate: isRedisUrl } }, options)],
};

/** Workspace id → key of the Messages API. */
export const workspaceKeys: Kind<WorkspaceKeys> = {
  mustBe: WORKSPACE_KEYS_GRAMMAR,
  parse: (given) => parseWorkspaceKeys(given) ?? given,
  checks: [IsObject],
};

/** ioredis decodes the whole URL's parts, and throws where that cannot be done. */
function isRedisUrl(value: unknown): boolean {
  const url = URL.parse(String(value));
  if (url === null || url.hostname === '') return false;
  const isDecodable = [url.username, url.password, url.pathname, url.search].every(isPercentEncoded);
  return isDecodable && (url.protocol === 'redis:' || url.protocol === 'rediss:');
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function items(list: string): readonly string[] {
  return list.split(',').map((item) => item.trim());
}

function isHostAndPort(value: unknown): boolean {
  const parts = /^(?:\[(?<ipv6>[^\]]+)\]|[A-Za-z0-9._-]+):(?<port>[1-9]\d{0,4})$/.exec(String(value))?.groups;
  if (parts === undefined || Number(parts['port']) > 65_535) return false;
  return parts['ipv6'] === undefined || isIPv6(parts['ipv6']);
}

function isBaseUrl(value: unknown): boolean {
  const given = String(value);
  const url = URL.parse(given);
  if (url === null || /[?#\s]/.test(given)) return false;
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '';
}
