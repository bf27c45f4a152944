import { isDeepStrictEqual } from 'node:util';
import {
  deadLetterHeaders,
  type DeadLetterCause,
  type Headers,
  replyHeaders,
  replyTarget,
  resultHeaders,
  truncatedDeadLetterHeaders,
} from '../../src/contract/headers';
import { buildResult, encodeResult } from '../../src/contract/result';
import { toBuffer } from './bytes';
import { fuzz, type Checked } from './fuzz';
import { inTime } from './in-time';
import { fuzzedHeaders, type FuzzedHeaders, type WireHeaders } from './headers';
import { receive, send } from './wire';

type Sent = ReadonlyMap<string, readonly Buffer[]>;

/** A result does not copy a header with more bytes than these. */
const COPIED = new Map([
  ['traceparent', 256],
  ['tracestate', 4_096],
  ['kafka_correlationId', 4_096],
]);
const MAX_ERROR_UNITS = 2_000;
/**
 * The headers of a result have at most so many bytes: all values at their limits, the names, and a command id of 128
 * characters of four bytes.
 */
const MAX_RESULT_HEADER_BYTES = 256 + 2 * 4_096 + 1_024;
const SOURCE = { topic: 'messages.commands.whatsapp', partition: 3, offset: '9007199254740993' };

fuzz<FuzzedHeaders, FuzzedHeaders>({
  name: 'results',
  cases: fuzzedHeaders,
  check: checkHeaders,
  toEntry: (fuzzed) => fuzzed,
  fromEntry: (entry) => entry,
  mustSee: ['with a reply', 'without a reply'],
});

interface Written {
  readonly result: Headers;
  readonly reply: Headers | null;
  readonly deadLetter: Headers;
  readonly truncated: Headers;
  readonly target: ReturnType<typeof replyTarget>;
}

function checkHeaders(fuzzed: FuzzedHeaders): Checked {
  const { written, cause, tookMs } = writeInTime(fuzzed);
  const own = groupByName(fuzzed.headers);
  checkResult(send(written.result), own, fuzzed.commandId);
  checkReply(written, own);
  const ours = oursOf(cause);
  // A command of which a header says that it is a batch would pass for one.
  const others = [...own].filter(([name]) => name !== 'kafka_dlt-batch');
  expectSame('the dead letter', send(written.deadLetter), new Map([...others, ...ours]));
  expectSame(
    'the truncated dead letter',
    send(written.truncated),
    new Map([...ours, textHeader('kafka_dlt-truncated', 'true')]),
  );
  checkValue(fuzzed);
  return { kind: written.target === null ? 'without a reply' : 'with a reply', tookMs };
}

function writeInTime({ headers, commandId, error }: FuzzedHeaders): {
  written: Written;
  cause: DeadLetterCause;
  tookMs: number;
} {
  const cause: DeadLetterCause = {
    source: SOURCE,
    timestamp: '1795348800000',
    outcome: 'rejected',
    error,
    attempts: 2,
  };
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + toBuffer(value ?? []).length, 0);
  const { given, tookMs } = inTime(`${headers.length} headers`, bytes, (): Written => {
    const own = receive(headers);
    const target = replyTarget(own);
    return {
      result: resultHeaders(own, commandId, 'rejected'),
      reply: target === null ? null : replyHeaders(target),
      deadLetter: deadLetterHeaders(own, cause),
      truncated: truncatedDeadLetterHeaders(cause),
      target,
    };
  });
  return { written: given, cause, tookMs };
}

function checkResult(sent: Sent, own: Sent, commandId: string | null): void {
  const expected = new Map([textHeader('outcome', 'rejected'), textHeader('content-type', 'application/json')]);
  if (commandId !== null) expected.set(...textHeader('command-id', commandId));
  for (const [name, maxBytes] of COPIED) {
    const value = lastOf(own, name, maxBytes);
    if (value !== null) expected.set(name, [value]);
  }
  expectSame('the result', sent, expected);
  let bytes = 0;
  for (const [name, values] of sent) for (const value of values) bytes += name.length + value.length;
  if (bytes > MAX_RESULT_HEADER_BYTES) throw new Error(`the headers of a result take ${bytes} bytes`);
}

/** Where a reply goes by the contract: to a possible name of a topic, and a possible number of a partition. */
function checkReply({ target, reply }: Written, own: Sent): void {
  const topic = lastOf(own, 'kafka_replyTopic', 249)?.toString() ?? '';
  const isTopic = /^[a-z0-9._-]+$/i.test(topic) && !topic.endsWith('\n') && topic !== '.' && topic !== '..';
  if (!isTopic || target === null || reply === null) {
    if (isTopic || target !== null || reply !== null)
      throw new Error(isTopic ? 'a reply is left out' : 'a reply goes nowhere');
    return;
  }
  const given = Buffer.from(lastOf(own, 'kafka_replyPartition', 10) ?? '');
  const isInteger = given.length === 4 && given[0] === 0;
  const digits = isInteger ? String(given.readUInt32BE()) : given.toString();
  const isPartition = /^[0-9]{1,10}$/.test(digits) && BigInt(digits) < 2n ** 31n;
  if (target.topic !== topic) throw new Error(`the reply goes to ${target.topic}`);
  if (target.partition !== (isPartition ? Number(digits) : null))
    throw new Error(`the reply goes to partition ${target.partition}`);
  const correlationId = lastOf(own, 'kafka_correlationId', 4_096);
  const expected = new Map<string, Buffer[]>([['kafka_nest-is-disposed', [Buffer.alloc(1)]]]);
  if (correlationId !== null) expected.set('kafka_correlationId', [correlationId]);
  expectSame('the reply', send(reply), expected);
}

function checkValue({ commandId, error }: FuzzedHeaders): void {
  const value = encodeResult(
    buildResult({
      command: { id: commandId, type: 'text', workspaceId: null, violations: ['id: must'] },
      channel: 'whatsapp',
      settled: { outcome: 'invalid', response: { id: '', status: '', error }, attempts: 0, httpStatus: null },
      source: SOURCE,
      completedAtMs: 1_795_348_800_000,
      isReplay: false,
    }),
  );
  const read: unknown = JSON.parse(Buffer.from(value).toString());
  const expected = {
    commandId,
    outcome: 'invalid',
    id: '',
    status: '',
    error: cut(error),
    channel: 'whatsapp',
    type: 'text',
    workspaceId: null,
    attempts: 0,
    httpStatus: null,
    completedAt: '2026-11-22T12:00:00.000Z',
    source: SOURCE,
  };
  if (!isDeepStrictEqual(read, expected)) throw new Error(`the result reads ${JSON.stringify(read)}`);
}

function oursOf({ error, outcome }: DeadLetterCause): Map<string, Buffer[]> {
  return new Map([
    textHeader('kafka_dlt-original-topic', SOURCE.topic),
    textHeader('kafka_dlt-original-partition', '3'),
    textHeader('kafka_dlt-original-offset', SOURCE.offset),
    textHeader('kafka_dlt-original-timestamp', '1795348800000'),
    textHeader('outcome', outcome),
    textHeader('error', cut(error)),
    textHeader('attempts', '2'),
  ]);
}

/** At most 2,000 units. The last one is not the first half of a pair whose second half is cut off. */
function cut(error: string): string {
  const start = error.slice(0, MAX_ERROR_UNITS);
  const isPairSplit = /[\ud800-\udbff]$/.test(start) && /^[\udc00-\udfff]/.test(error.slice(MAX_ERROR_UNITS));
  return isPairSplit ? start.slice(0, -1) : start;
}

/** kafkajs cannot write a header without a value. Such a header becomes an empty one. */
function groupByName(headers: WireHeaders): Map<string, Buffer[]> {
  const byName = new Map<string, Buffer[]>();
  for (const [name, value] of headers) {
    const values = byName.get(name) ?? [];
    values.push(toBuffer(value ?? []));
    byName.set(name, values);
  }
  return byName;
}

function lastOf(own: Sent, name: string, maxBytes: number): Buffer | null {
  const value = own.get(name)?.at(-1);
  return value === undefined || value.length === 0 || value.length > maxBytes ? null : value;
}

function textHeader(name: string, text: string): [string, Buffer[]] {
  return [name, [Buffer.from(text)]];
}

function expectSame(what: string, sent: Sent, expected: Sent): void {
  const names = new Set([...sent.keys(), ...expected.keys()]);
  const differing = [...names].filter((name) => {
    const [values, wanted] = [sent.get(name), expected.get(name)];
    return (
      values?.length !== wanted?.length ||
      !values?.every((value, at) => value.equals(wanted?.[at] ?? Buffer.of(0, 0, 0)))
    );
  });
  if (differing.length > 0) throw new Error(`${what} differs in its headers ${JSON.stringify(differing.slice(0, 5))}`);
}
