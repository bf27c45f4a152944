import type { FaultRule } from '../../sandbox/behaviour.ts';
import type { FaultName } from '../../sandbox/fault-table.ts';
import type { Channel } from '../../src/contract/channels.ts';
import type { Outcome } from '../../src/contract/outcome.ts';
import type { Recipient, SampleOperation } from '../lib/operations.ts';

/** A valid command. Each kind changes it as it needs. */
interface Sample {
  readonly id: string;
  readonly operation: SampleOperation;
  readonly recipient: Recipient;
  readonly request: Record<string, unknown>;
}

/** A kind of command, and how such commands must end. */
export interface Kind {
  /** Part of the command's id. The sandbox finds the commands of a fault by it. */
  readonly name: string;
  readonly outcome: Outcome;
  /** Whether the API takes the message. It must never take it twice. */
  readonly isTaken: boolean;
  /** Whether the command's id is readable, and is therefore in the result. */
  readonly hasId: boolean;
  /** The fault that every call of such a command meets; null for only the usual faults. */
  readonly fault: FaultName | null;
  /** Channels that can have this kind; null for all. */
  readonly channels: readonly Channel[] | null;
  /** The record's value. */
  readonly value: (sample: Sample) => Buffer | string | null;
}

const NO_UTF8 = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
const PAST = '2020-01-01T00:00:00Z';

/** Most commands are of this kind. */
export const VALID: Kind = {
  name: 'valid',
  outcome: 'accepted',
  isTaken: true,
  hasId: true,
  fault: null,
  channels: null,
  value: (sample) => command(sample),
};

/** The other kinds. Each comes up several times. */
export const SPECIAL_KINDS: readonly Kind[] = [
  answered('refused-200', 'reject200', 'rejected', false),
  answered('refused-422', 'reject422', 'rejected', false),
  answered('forbidden', 'status403', 'rejected', false),
  answered('always-500', 'status500', 'failed', false),
  answered('html-answer', 'html200', 'in-doubt', true),
  answered('cut-off-answer', 'truncated200', 'in-doubt', true),
  answered('number-as-id', 'wrongId', 'accepted', true),
  {
    ...VALID,
    name: 'too-late',
    outcome: 'expired',
    isTaken: false,
    value: (sample) => command(sample, { expiresAt: PAST }),
  },
  unreadable('not-json', () => '{"id": '),
  unreadable('no-object', () => '["a", "b"]'),
  unreadable('empty', () => ''),
  unreadable('tombstone', () => null),
  unreadable('not-utf-8', () => NO_UTF8),
  invalid('unknown-type', (sample) => command(sample, { type: 'carrier-pigeon' })),
  invalid('type-of-others', (sample) => command(sample, { type: 'text' }), ['telegram']),
  invalid(
    'both-recipients',
    (sample) => withRequest(sample, { contact: { id: 'c-1' }, recepient: { phoneNumber: '+4915112345678' } }),
    ['whatsapp'],
  ),
  invalid('no-recipient', (sample) => withRequest(sample, { contact: undefined, recepient: undefined })),
  invalid('unknown-field', (sample) => withRequest(sample, { urgent: true })),
  invalid('no-workspace', (sample) => withRequest(sample, { workspace: { id: 7 } })),
];

/** The fault rules of the sandbox: one for each kind that has a fault. */
export const FAULT_RULES: readonly FaultRule[] = SPECIAL_KINDS.flatMap(({ name, fault }) =>
  fault === null ? [] : [{ match: { keyPrefix: idPrefix(name) }, fault }],
);

/** The ids of a kind's commands begin so. */
export function idPrefix(kindName: string): string {
  return `demo-${kindName}-`;
}

function answered(name: string, fault: FaultName, outcome: Outcome, isTaken: boolean): Kind {
  return { ...VALID, name, outcome, isTaken, fault };
}

function invalid(name: string, value: Kind['value'], channels: Kind['channels'] = null): Kind {
  return { ...VALID, name, outcome: 'invalid', isTaken: false, channels, value };
}

function unreadable(name: string, value: Kind['value']): Kind {
  return { ...invalid(name, value), hasId: false };
}

function withRequest(sample: Sample, fields: Record<string, unknown>): string {
  return command({ ...sample, request: { ...sample.request, ...fields } });
}

function command({ id, operation, request }: Sample, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ id, type: operation.type, request, ...fields });
}
