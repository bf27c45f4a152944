import { deadLetterHeaders, type Headers } from '../../src/contract/headers';
import type { Outcome } from '../../src/contract/outcome';
import type { IncomingRecord, OffsetRange } from '../../src/contract/record';
import { Topics } from '../../src/contract/topics';
import { type DeadLetter, readDeadLetter } from '../../src/dead-letters/dead-letter';

export const topics = new Topics('m.');

export interface Given {
  readonly partition?: number;
  readonly offset?: number;
  readonly timestampMs?: number;
  readonly key?: string | null;
  readonly value?: string | null;
  readonly own?: Headers;
  readonly topic?: string;
  readonly originalPartition?: number;
  readonly outcome?: Outcome;
  readonly error?: string;
  readonly batch?: OffsetRange;
}

/** A record as the service writes it. Texts of key and value become UTF-8. */
export function deadLetterRecord(given: Given = {}): IncomingRecord {
  const { partition = 0, offset = 0, timestampMs = 0, key = 'k', own = {}, outcome = 'failed', error = 'away' } = given;
  const { topic = 'm.commands.whatsapp', originalPartition = 0, batch } = given;
  const {
    value = JSON.stringify({ id: `c-${partition}-${offset}`, type: 'text', request: { workspace: { id: 'w-1' } } }),
  } = given;
  const source = { topic, partition: originalPartition, offset: '3' };
  const headers = deadLetterHeaders(own, {
    source,
    timestamp: '1700000000000',
    outcome,
    error,
    attempts: 5,
    ...(batch !== undefined && { batch }),
  });
  return { topic: topics.deadLetters, partition, offset, timestampMs, key: latin1(key), value: latin1(value), headers };
}

export function deadLetter(given: Given = {}): DeadLetter {
  return readDeadLetter(deadLetterRecord(given), topics);
}

function latin1(text: string | null): string | null {
  return text === null ? null : Buffer.from(text).toString('latin1');
}
