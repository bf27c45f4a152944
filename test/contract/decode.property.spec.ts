import { Validator } from 'class-validator';
import fc from 'fast-check';

import { CHANNELS } from '../../src/contract/channels';
import { decodeCommand } from '../../src/contract/decode';
import { findOperation } from '../../src/contract/operations';
import { accepts } from '../../src/contract/requests/accepts';
import { instantiate } from '../../src/contract/requests/shape';
import { Violations } from '../../src/contract/violations';
import { encode, VALID } from './commands';

const channel = fc.constantFrom(...CHANNELS);
const valid = fc.constantFrom(...VALID);
/** Names with a meaning in JavaScript, class-validator or promises. */
const key = fc.oneof(fc.constantFrom('constructor', 'prototype', 'toString', 'then', 'length', '0', ''), fc.string());
const junk = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(key, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  fc.constantFrom('', ' ', [], {}, null, -1, 1e300, 'x'.repeat(300)),
);

/** All paths to objects and arrays in a value. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

function replaceAt(value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (typeof value !== 'object' || value === null) return replacement;
  const copy: object = Array.isArray(value) && /^\d$/.test(key) ? [...value] : { ...value };
  Reflect.set(copy, key, replaceAt(Reflect.get(copy, key), rest, replacement));
  return copy;
}

/** A valid command in which some fields are replaced, removed or added. */
const mutated = fc
  .tuple(
    valid,
    fc.array(fc.tuple(fc.nat(), fc.option(key, { freq: 2 }), fc.option(junk, { nil: undefined })), {
      maxLength: 3,
    }),
  )
  .map(([{ channel: on, type, request }, changes]) => {
    let document: unknown = { id: 'a', type, request, expiresAt: '2026-11-22T12:00:00Z', delivery: 'at-least-once' };
    for (const [pick, added, replacement] of changes) {
      const paths = pathsOf(document);
      const path = paths[pick % paths.length] ?? [];
      document = replaceAt(document, added === null ? path : [...path, added], replacement);
    }
    return { channel: on, document };
  });

function requestOf(document: unknown): unknown {
  return typeof document === 'object' && document !== null ? Reflect.get(document, 'request') : undefined;
}

/** What is null in an optional field, all of which are at the top, is not sent. */
function sentOf(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return request;
  const optional = ['contact', 'recepient', 'scheduleDateTime'];
  return Object.fromEntries(
    Object.entries(request).filter(([name, value]) => value !== null || !optional.includes(name)),
  );
}

test('decoding never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), channel, (bytes, on) => {
      expect(decodeCommand(Buffer.from(bytes), on).ok).toBe(false);
    }),
  );
});

test('decoding never throws, whatever the JSON, and always names the violations', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), channel, (json, on) => {
      const decoded = decodeCommand(Buffer.from(json), on);
      expect(decoded.ok || decoded.invalid.violations.length > 0).toBe(true);
    }),
  );
});

test('a changed command that is accepted is sent unchanged', () => {
  fc.assert(
    fc.property(mutated, ({ channel: on, document }) => {
      const value = encode(document);
      const decoded = decodeCommand(value, on);
      const sent = decoded.ok ? JSON.parse(decoded.command.body) : null;
      expect(sent).toEqual(decoded.ok ? sentOf(requestOf(JSON.parse(value.toString()))) : null);
    }),
    { numRuns: 2_000 },
  );
});

test('a changed command that is refused names each violation by path and rule', () => {
  fc.assert(
    fc.property(mutated, ({ channel: on, document }) => {
      const decoded = decodeCommand(encode(document), on);
      const violations = decoded.ok ? ['value: must'] : decoded.invalid.violations;
      expect(violations).not.toEqual([]);
      expect(violations.filter((violation) => !/^\S.*: (must|not) |^and \d+ more$/.test(`${violation} `))).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

test('the compiled rules accept exactly what class-validator accepts', () => {
  const validator = new Validator();
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(mutated, ({ channel: on, document }) => {
      const request = requestOf(document);
      const operation = VALID.filter((of) => of.channel === on).map((of) => findOperation(on, of.type));
      if (typeof request !== 'object' || request === null || Array.isArray(request)) return;
      for (const { request: type } of operation.filter((row) => row !== null)) {
        const instance = instantiate(type, JSON.parse(JSON.stringify(request)), new Violations());
        const isAccepted = accepts(instance);
        seen[isAccepted ? 'accepted' : 'refused']++;
        expect(isAccepted).toBe(validator.validateSync(instance, { forbidUnknownValues: false }).length === 0);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(100);
});
