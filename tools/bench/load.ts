import { SAMPLE_OPERATIONS, keyOf } from '../lib/operations.ts';
import type { Recipient } from '../lib/operations.ts';
import { partitionOf } from '../lib/producing.ts';
import type { OutgoingRecord } from '../lib/producing.ts';

/** A number of commands that differ only in id, recipient and text. */
export interface Load {
  /** Every command id starts with it; it must be unique in a sandbox. */
  readonly name: string;
  readonly count: number;
  readonly recipients: number;
  /** Share of the commands that go to one extra recipient, {@link HOT_NUMBER}. They are spread evenly. */
  readonly hotShare?: number;
}

/** A command of a load, as the service gets it and as its call must be. */
export interface LoadedCommand {
  /** Ends in a number that rises from command to command; the sandbox judges order by it. */
  readonly id: string;
  readonly recipient: Recipient;
  /** Body of the call. */
  readonly body: string;
}

/** The recipient of the hot share. */
export const HOT_NUMBER = '+4915900000000';
const FIRST_NUMBER = 4_915_100_000_000;

const [operation] = SAMPLE_OPERATIONS;
if (operation === undefined) throw new Error('there are no operations');
/** Every load consists of WhatsApp texts. */
export const LOAD_OPERATION = operation;

/** Command `n` of a load. */
export function commandOf(load: Load, n: number): LoadedCommand {
  const phoneNumber = isHot(load, n) ? HOT_NUMBER : `+${FIRST_NUMBER + (n % load.recipients)}`;
  const recipient = { phoneNumber };
  const text = `Hello, your parcel ${n} arrives today between two and four.`;
  const body = JSON.stringify(LOAD_OPERATION.request(recipient, 'w-1', text));
  return { id: `${load.name}-7e1a-7c55-9a53-${n}`, recipient, body };
}

/** A command as a record of a command topic. */
export function recordOf({ id, recipient, body }: LoadedCommand, topic: string): OutgoingRecord {
  const key = keyOf(recipient);
  const value = `{"id":"${id}","type":"${LOAD_OPERATION.type}","request":${body}}`;
  return { topic, partition: partitionOf(key), key, value };
}

function isHot({ hotShare = 0 }: Load, n: number): boolean {
  return Math.floor((n + 1) * hotShare) > Math.floor(n * hotShare);
}
