import { isIPv6 } from 'node:net';
import {
  ArrayUnique,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateBy,
  type ValidationOptions,
} from 'class-validator';
import { CHANNELS, type Channel } from '../contract/channels';
import type { RateLimit } from './config';
import { parseRateLimit, RATE_LIMIT_GRAMMAR } from './rate-limit';

/** What the text of a setting may be, and how it is read. Once every check has passed, the parsed value is a T. */
export interface Kind<T> {
  /** Completes `<variable>: must be …`. */
  readonly mustBe: string;
  /** What the text means; where it means nothing, something that the checks refuse. Never throws. */
  readonly parse: (text: string) => T | string | readonly string[];
  readonly checks: readonly ((options: ValidationOptions) => PropertyDecorator)[];
}

/** The longest wait, in milliseconds, that a timer of Node takes; beyond it a timer fires at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Decimal digits alone: no sign, fraction, exponent or leading zero. */
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

/** A text of which the pattern describes the whole. */
export function text(pattern: RegExp, mustBe: string): Kind<string> {
  return { mustBe, parse: (given) => given, checks: [(options) => Matches(pattern, options)] };
}

/** A name made of the characters that are legal in the name of a Kafka topic. */
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
