import fc from 'fast-check';

import type { Command } from '../../src/contract/command';
import { decodeCommand } from '../../src/contract/decode';
import { buildResult, cutError, encodeResult, MAX_ERROR_LENGTH, settledAsInvalid } from '../../src/contract/result';
import { encode, validRequest } from './commands';

const source = { topic: 'messages.commands.whatsapp', partition: 3, offset: '9007199254740993' };
const completedAtMs = Date.UTC(2026, 10, 22, 11, 59, 58, 120);

function command(): Command {
  const decoded = decodeCommand(
    encode({ id: 'a', type: 'text', request: validRequest('whatsapp', 'text') }),
    'whatsapp',
  );
  if (!decoded.ok) throw new Error('the command is valid');
  return decoded.command;
}

test('a result has the fields of the contract, in the same order', () => {
  const response = { id: 'msg_81', status: 'queued', error: '' };
  const settled = { outcome: 'accepted', response, attempts: 1, httpStatus: 200 } as const;
  expect(
    encodeResult(
      buildResult({ command: command(), channel: 'whatsapp', settled, source, completedAtMs, isReplay: false }),
    ),
  ).toBe(
    '{"commandId":"a","outcome":"accepted","id":"msg_81","status":"queued","error":"","channel":"whatsapp",' +
      '"type":"text","workspaceId":"w-1","attempts":1,"httpStatus":200,"completedAt":"2026-11-22T11:59:58.120Z",' +
      '"source":{"topic":"messages.commands.whatsapp","partition":3,"offset":"9007199254740993"}}',
  );
});

test('the result of an invalid command has its readable parts and every violation', () => {
  const invalid = {
    id: null,
    type: 'media',
    workspaceId: null,
    violations: ['id: must be x', 'request: must be y'],
  } as const;
  const settled = settledAsInvalid(invalid);
  expect(
    buildResult({ command: invalid, channel: 'telegram', settled, source, completedAtMs, isReplay: false }),
  ).toEqual({
    commandId: null,
    outcome: 'invalid',
    id: '',
    status: '',
    error: 'id: must be x; request: must be y',
    channel: 'telegram',
    type: 'media',
    workspaceId: null,
    attempts: 0,
    httpStatus: null,
    completedAt: '2026-11-22T11:59:58.120Z',
    source,
  });
});

test('the error of a result is cut at 2,000 characters', () => {
  const response = { id: '', status: '', error: 'e'.repeat(5_000) };
  const settled = { outcome: 'rejected', response, attempts: 1, httpStatus: 400 } as const;
  const result = buildResult({
    command: command(),
    channel: 'whatsapp',
    settled,
    source,
    completedAtMs,
    isReplay: false,
  });
  expect(result.error).toHaveLength(2_000);
});

test('cutting an error never splits a character, and keeps as many as fit', () => {
  expect(cutError(`${'e'.repeat(1_999)}😀`)).toBe('e'.repeat(1_999));
  expect(cutError(`${'e'.repeat(1_998)}😀x`)).toBe(`${'e'.repeat(1_998)}😀`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1_000, maxLength: 2_500, size: 'max' }), (error) => {
      const cut = cutError(error);
      expect(error.startsWith(cut) && cut.isWellFormed()).toBe(true);
      expect(cut.length).toBeGreaterThanOrEqual(Math.min(error.length, MAX_ERROR_LENGTH - 1));
      expect(cut.length).toBeLessThanOrEqual(MAX_ERROR_LENGTH);
    }),
  );
});
