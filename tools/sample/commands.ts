import { SAMPLE_OPERATIONS, keyOf } from '../lib/operations.ts';
import type { Recipient } from '../lib/operations.ts';

/** A command and the topic suffix it goes to: `<TOPIC_PREFIX>commands.<channel>`. */
export interface SampleCommand {
  readonly channel: string;
  /** The recipient, as a producer would choose the key. */
  readonly key: string;
  readonly value: {
    readonly id: string;
    readonly type: string;
    readonly request: Readonly<Record<string, unknown>>;
  };
}

const WORKSPACE = 'w-sample';
const TEXT = 'Your order has left.';

/** One valid command for each operation of the Messages API. Ids begin with `run`, so that two runs differ. */
export function sampleCommands(run: string): SampleCommand[] {
  return SAMPLE_OPERATIONS.map(({ channel, type, request }) => {
    const to: Recipient = channel === 'whatsapp' ? { phoneNumber: '+4915112345678' } : { contact: 'c-sample' };
    const value = { id: `${run}-${channel}-${type}`, type, request: request(to, WORKSPACE, TEXT) };
    return { channel, key: keyOf(to), value };
  });
}
