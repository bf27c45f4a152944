import type { Channel } from '../../src/contract/channels.ts';
import { SAMPLE_OPERATIONS, keyOf } from '../lib/operations.ts';
import type { Recipient, SampleOperation } from '../lib/operations.ts';
import { partitionOf } from '../lib/producing.ts';
import type { OutgoingRecord } from '../lib/producing.ts';
import { SPECIAL_KINDS, VALID, idPrefix } from './kinds.ts';
import type { Kind } from './kinds.ts';

/** A command of the demo, and how it must end. */
export interface DemoCommand {
  readonly kind: Kind;
  readonly channel: Channel;
  readonly id: string;
  readonly record: OutgoingRecord;
}

const SPECIAL_EVERY = 16;
const RECIPIENTS_PER_CHANNEL = 60;
const WORKSPACES = 3;
/** One recipient in so many gets a campaign, on the bulk lane. */
const BULK_EVERY = 5;

/** The commands, the same in every run. Ids end in a rising number; the sandbox judges order by it. */
export function demoCommands(count: number, topicPrefix: string): DemoCommand[] {
  return Array.from({ length: count }, (_, n) => demoCommand(n, topicPrefix));
}

function demoCommand(n: number, topicPrefix: string): DemoCommand {
  const kind = kindOf(n);
  const operation = operationOf(kind, n);
  const { channel } = operation;
  const who = Math.floor(n / SAMPLE_OPERATIONS.length) % RECIPIENTS_PER_CHANNEL;
  const recipient = recipientOf(kind, channel, who);
  const id = `${idPrefix(kind.name)}${n}`;
  const request = operation.request(recipient, `w-${(who % WORKSPACES) + 1}`, `Message ${n}`);
  const key = keyOf(recipient);
  const topic = `${topicPrefix}commands.${channel}${who % BULK_EVERY === 0 ? '.bulk' : ''}`;
  const value = kind.value({ id, operation, recipient, request });
  return { kind, channel, id, record: { topic, partition: partitionOf(key), key, value } };
}

function kindOf(n: number): Kind {
  if (n % SPECIAL_EVERY !== SPECIAL_EVERY / 2) return VALID;
  return SPECIAL_KINDS[Math.floor(n / SPECIAL_EVERY) % SPECIAL_KINDS.length] ?? VALID;
}

function operationOf({ channels }: Kind, n: number): SampleOperation {
  const possible = SAMPLE_OPERATIONS.filter(({ channel }) => channels === null || channels.includes(channel));
  const operation = possible[n % possible.length];
  if (operation === undefined) throw new RangeError('a kind has no channel');
  return operation;
}

/** A command that fails for long keeps its recipient waiting, so it has a recipient of its own. */
function recipientOf(kind: Kind, channel: Channel, who: number): Recipient {
  if (kind.outcome === 'failed') return { contact: `unlucky-${channel}-${who}` };
  if (channel === 'whatsapp' && who % 2 === 0) return { phoneNumber: `+4915123456${String(who).padStart(3, '0')}` };
  return { contact: `contact-${who}` };
}
