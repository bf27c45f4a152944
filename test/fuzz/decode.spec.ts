import { isDeepStrictEqual } from 'node:util';
import { decodeCommand } from '../../src/contract/decode';
import type { Channel } from '../../src/contract/channels';
import type { Command, Decoded, InvalidCommand } from '../../src/contract/command';
import { checkRequest, OPERATIONS } from '../../sandbox/schemas';
import { fromBuffer, toBuffer, type Bytes } from './bytes';
import { type CommandVerdict, instantOf, judgeCommand } from './command-oracle';
import { fuzzedCommands, type FuzzedCommand } from './commands';
import { type Checked, fuzz } from './fuzz';
import { inTime } from './in-time';

interface Entry {
  readonly channel: Channel;
  readonly value: Bytes;
}

/** The most violations of one result; then "and N more" follows. */
const MAX_VIOLATIONS = 50;

/** The only words that a violation may have after its path, so that it contains no values. */
const WORDINGS = [
  /^must be a text of 1 to (128|256|65,536) (printable )?characters that is not blank$/,
  /^must be one of [a-z, -]+( on the channel [a-z]+)?$/,
  /^must be an (object|array)$/,
  /^must be an array of 1 to 10 objects$/,
  /^must be an ISO 8601 date and time( with offset, as in 2026-11-22T12:00:00Z)?$/,
  /^must be a phone number in E.164 format, with or without \+$/,
  /^must be an http or https URL of at most 8,192 characters$/,
  /^must be a media type such as audio\/ogg or audio\/ogg; codecs=opus$/,
  /^must be a number that a 64-bit float holds unchanged$/,
  /^must be absent, (this name is not allowed|the request has no such field)$/,
  /^must (be|have a name that is) well-formed Unicode(, without lone surrogates)?$/,
  /^must have one of contact \(with id\) or recepient \(with phoneNumber\), not both$/,
  /^must not be nested deeper than 64 levels$/,
  /^(must be (UTF-8|a JSON object)|must not be empty|must not start with a byte order mark)$/,
  /^not valid JSON( at position \d+)?$/,
];

fuzz<FuzzedCommand, Entry>({
  name: 'decode',
  cases: fuzzedCommands,
  check: checkDecoding,
  toEntry: ({ channel, value }) => ({ channel, value: fromBuffer(value) }),
  fromEntry: ({ channel, value }) => ({ channel, value: toBuffer(value) }),
  mustSee: ['accepted', 'refused', 'unreadable'],
});

function checkDecoding(fuzzed: FuzzedCommand): Checked {
  const verdict = judgeCommand(fuzzed.value, fuzzed.channel);
  const { decoded, tookMs } = decodeInTime(fuzzed);
  if (decoded.ok) checkAccepted(decoded.command, verdict, fuzzed.channel);
  else checkRefused(decoded.invalid, verdict);
  return { kind: decoded.ok ? 'accepted' : verdict.document === null ? 'unreadable' : 'refused', tookMs };
}

function decodeInTime({ channel, value }: FuzzedCommand): { decoded: Decoded; tookMs: number } {
  const { given, tookMs } = inTime(`decoding ${value.length} bytes`, value.length, () => decodeCommand(value, channel));
  return { decoded: given, tookMs };
}

function checkAccepted(command: Command, { faults, document }: CommandVerdict, channel: Channel): void {
  if (faults.size > 0) throw new Error(`accepted in spite of ${[...faults].join(', ')}`);
  const request = withoutNulls(document?.['request']);
  const sent: unknown = JSON.parse(command.body);
  if (!isSameJson(sent, request)) throw new Error('what is sent is not the request');
  const { id, type, expiresAt, delivery } = document ?? {};
  const operation = OPERATIONS.get(command.operation.path);
  if (operation?.name !== `${channel}.${String(type)}`) throw new Error(`it goes to ${command.operation.path}`);
  const addressee = checkRequest(operation, request);
  if (typeof addressee === 'string') throw new Error(`the API would refuse it: ${addressee}`);
  const expected = {
    id,
    workspaceId: addressee.workspace,
    recipient: addressee.recipient,
    expiresAtMs: (expiresAt ?? null) === null ? null : instantOf(expiresAt),
    delivery: delivery ?? null,
  };
  const { operation: _operation, body: _body, ...read } = command;
  if (!isDeepStrictEqual(read, expected)) throw new Error('the command read differs from the document');
}

/** Only optional fields may be null in a valid request, and those are not sent. Nulls inside arrays stay. */
function withoutNulls(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return request;
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}

function checkRefused(invalid: InvalidCommand, { faults, document }: CommandVerdict): void {
  if (faults.size === 0) throw new Error(`refused without a reason: ${invalid.violations.join('; ')}`);
  const more = /^and (\d+) more$/.exec(invalid.violations.at(-1) ?? '');
  const violations = more === null ? invalid.violations : invalid.violations.slice(0, -1);
  if (violations.length === 0 || violations.length > MAX_VIOLATIONS) throw new Error('violations are not 1 to 50');
  const named = new Set(violations.map(pathOf));
  const unfounded = [...named].filter((path) => !faults.has(path));
  if (unfounded.length > 0) throw new Error(`nothing is wrong with ${unfounded.join(', ')}`);
  const unnamed = [...faults].filter((path) => !named.has(path));
  if (more === null && unnamed.length > 0) throw new Error(`not named: ${unnamed.join(', ')}`);
  checkKept(invalid, faults, document ?? {});
}

/** The path of a violation. Its words must be the contract's own. */
function pathOf(violation: string): string {
  const words = WORDINGS.map((wording) => {
    for (let at = violation.lastIndexOf(': '); at >= 0; at = violation.lastIndexOf(': ', at - 1)) {
      if (wording.test(violation.slice(at + 2))) return at;
      if (at === 0) break;
    }
    return -1;
  });
  const at = Math.max(...words);
  if (at < 0) throw new Error(`a violation in unknown words, which may be a value: ${violation}`);
  return violation.slice(0, at);
}

/** The fields that a result has of a refused command: only those that are valid by themselves. */
function checkKept({ id, type, workspaceId }: InvalidCommand, faults: ReadonlySet<string>, document: object): void {
  if (id !== (faults.has('id') || faults.has('value') ? null : Reflect.get(document, 'id')))
    throw new Error('wrong id');
  const own: unknown = Reflect.get(document, 'type');
  if (type !== (['text', 'media', 'template'].some((each) => each === own) ? own : null)) throw new Error('wrong type');
  const request: unknown = Reflect.get(document, 'request');
  const workspace: unknown = typeof request === 'object' && request !== null ? Reflect.get(request, 'workspace') : null;
  const given: unknown = typeof workspace === 'object' && workspace !== null ? Reflect.get(workspace, 'id') : null;
  if (workspaceId !== null && workspaceId !== given) throw new Error('wrong workspace');
}

/** Whether two values are the same JSON. The order of members does not count, and `-0` is `0`. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return one === other;
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return (
    Array.isArray(one) === Array.isArray(other) &&
    names.length === others.length &&
    names.every((name) => Object.hasOwn(other, name) && isSameJson(Reflect.get(one, name), Reflect.get(other, name)))
  );
}
