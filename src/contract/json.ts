import { isUtf8 } from 'node:buffer';

import type { Violations } from './violations';

/** Levels of objects and arrays in a command, the command itself being the first. */
const MAX_DEPTH = 64;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A parsed JSON object. Its members may be anything. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type Parsed =
  { readonly ok: true; readonly document: JsonObject } | { readonly ok: false; readonly violation: string };

/** Whether a value is a JSON object: neither null nor an array. */
export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a record's value as a JSON object. Never throws; the violation does not quote the value. */
export function parseObject(value: Buffer | null): Parsed {
  if (value === null) return unreadable('must be present, this is a tombstone');
  if (value.length === 0) return unreadable('must not be empty');
  if (!isUtf8(value)) return unreadable('must be UTF-8');
  if (value.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) {
    return unreadable('must not start with a byte order mark');
  }
  try {
    const document: unknown = JSON.parse(value.toString('utf8'));
    return isRecord(document) ? { ok: true, document } : unreadable('must be a JSON object');
  } catch (error) {
    return unreadable(`not valid JSON${positionOf(error)}`);
  }
}

function unreadable(must: string): Parsed {
  return { ok: false, violation: `value: ${must}` };
}

/** Only the position: the rest of V8's message quotes the document. */
function positionOf(error: unknown): string {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? '' : ` at position ${position}`;
}

/**
 * Reports what JSON permits but the service does not: more than 64 levels, keys named `__proto__`, and texts that UTF-8
 * cannot encode. In `request`, which is written again for the API, also numbers that a double cannot hold unchanged.
 * The recursion ends at the limit of levels.
 */
export function inspect(document: JsonObject, violations: Violations): void {
  for (const key of Object.keys(document)) inspectMember(document, key, 2, key === 'request', violations);
}

function inspectMember(
  parent: JsonObject,
  key: string,
  depth: number,
  exactNumbers: boolean,
  violations: Violations,
): void {
  if (key === '__proto__') violations.add(key, 'must be absent, this name is not allowed');
  else if (!key.isWellFormed()) violations.add(key, 'must have a name that is well-formed Unicode');
  inspectValue(parent[key], key, depth, exactNumbers, violations);
}

function inspectValue(
  value: unknown,
  part: string | number,
  depth: number,
  exactNumbers: boolean,
  violations: Violations,
): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) violations.add(part, 'must be well-formed Unicode, without lone surrogates');
  } else if (typeof value === 'number') {
    if (exactNumbers && !isExact(value)) violations.add(part, 'must be a number that a 64-bit float holds unchanged');
  } else if (typeof value === 'object' && value !== null) {
    if (depth > MAX_DEPTH) violations.add(part, `must not be nested deeper than ${MAX_DEPTH} levels`);
    else inspectContainer(value, part, depth, exactNumbers, violations);
  }
}

function inspectContainer(
  container: object,
  part: string | number,
  depth: number,
  exactNumbers: boolean,
  violations: Violations,
): void {
  violations.enter(part);
  if (Array.isArray(container)) {
    for (let index = 0; index < container.length; index++) {
      inspectValue(container[index], index, depth + 1, exactNumbers, violations);
    }
  } else if (isRecord(container)) {
    for (const key of Object.keys(container)) inspectMember(container, key, depth + 1, exactNumbers, violations);
  }
  violations.leave();
}

/**
 * An integer beyond 2^53 - 1 may have been another one in the document. A number that is too large becomes Infinity.
 */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}
