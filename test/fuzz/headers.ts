import fc from 'fast-check';
import { HEADER } from '../../src/contract/headers';
import type { Bytes } from './bytes';

/** Headers of a record as they are sent: a list, in which names may repeat and values may be null. */
export type WireHeaders = readonly (readonly [name: string, value: Bytes | null])[];

/** A record with headers, and how its command ends. */
export interface FuzzedHeaders {
  readonly headers: WireHeaders;
  readonly commandId: string | null;
  readonly error: string;
}

const HOSTILE_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'prototype',
  'hasOwnProperty',
  'length',
  'then',
  'valueOf',
  '',
  '0',
  '1',
  '-1',
  '\u0000',
  'Outcome',
  'KAFKA_REPLYTOPIC',
  '😀',
  'n'.repeat(300),
];

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Object.values(HEADER)) },
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE_NAMES) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
);

/** Lengths near each of the limits, and some far beyond. */
const SIZES = [1, 10, 11, 249, 250, 255, 256, 257, 4_095, 4_096, 4_097];
const sized = fc
  .tuple(
    fc.constantFrom('x', '9', '.', 'é', '\u0000'),
    fc.oneof(
      { weight: 60, arbitrary: fc.constantFrom(...SIZES) },
      { weight: 1, arbitrary: fc.constantFrom(65_536, 200_000) },
    ),
  )
  .map(([repeat, times]): Bytes => [{ repeat, times }]);

const TOPICS = ['replies', 'a.b_c-D', '.', '..', '...', '', 'a b', 'a/b', 'messages.results', 'ü', 'replies\n', 'null'];
const NUMBERS = [
  '0',
  '3',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '0x10',
  '2147483647',
  '2147483648',
  '0000000007',
  '00000000007',
  ' 1',
  '٣',
  'NaN',
];

const values: fc.Arbitrary<Bytes | null> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant<Bytes>(['']) },
  { weight: 4, arbitrary: fc.constantFrom(...TOPICS, ...NUMBERS).map((text): Bytes => [text]) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }).map((text): Bytes => [text]) },
  {
    weight: 3,
    arbitrary: fc
      .uint8Array({ maxLength: 40 })
      .map((bytes): Bytes => [{ base64: Buffer.from(bytes).toString('base64') }]),
  },
  { weight: 4, arbitrary: sized },
);

/** One name several times; kafkajs makes a list of it. */
const repeated = fc
  .tuple(names, fc.array(values, { minLength: 1, maxLength: 4 }))
  .map(([name, list]) => list.map((value) => [name, value] as const));
const many = fc
  .tuple(fc.constantFrom(100, 9_000), names)
  .map(([count, name]) =>
    Array.from({ length: count }, (_, index): WireHeaders[number] => [
      index % 2 === 0 ? name : `${name}-${index}`,
      ['v'],
    ]),
  );

/** The headers that a client of Nest sends to ask for a reply, and similar ones. */
const replies = fc
  .tuple(fc.constantFrom(...TOPICS), fc.constantFrom(...NUMBERS), values)
  .map(([topic, partition, correlationId]): WireHeaders => [
    [HEADER.replyTopic, [topic]],
    [HEADER.replyPartition, [partition]],
    [HEADER.correlationId, correlationId],
  ]);

const headers: fc.Arbitrary<WireHeaders> = fc.oneof(
  {
    weight: 100,
    arbitrary: fc
      .tuple(replies, fc.array(repeated, { maxLength: 3 }))
      .map(([reply, lists]) => [...reply, ...lists.flat()]),
  },
  { weight: 200, arbitrary: fc.array(repeated, { maxLength: 6 }).map((lists) => lists.flat()) },
  { weight: 1, arbitrary: many },
);

const errors = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .tuple(fc.integer({ min: 1_990, max: 2_010 }), fc.constantFrom('x', '😀', 'é'), fc.constantFrom('', 'a'))
    .map(([length, unit, start]) => start + unit.repeat(length)),
);

/** Headers of a command, from none to thousands, and the error with which the command ends. */
export const fuzzedHeaders: fc.Arbitrary<FuzzedHeaders> = fc.record({
  headers,
  commandId: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }), { freq: 4 }),
  error: errors,
});
