import type { KafkaMessage } from 'kafkajs';
import type { AssignedPartition } from './assigned-partition';

/** If a whole fetch were taken in at once, answers of the API would wait for tens of milliseconds. */
export const RECORDS_PER_TURN = 32;

/**
 * Takes a batch in, some records in each turn of the event loop, so that answers of the API are read in between. Ends
 * early if `take` returns false, or if the partition is lost meanwhile. That holds even if the partition has already
 * come back: its new ledger begins at the committed offset, and must see every record from there on.
 */
export async function takeInTurns(
  source: Pick<AssignedPartition, 'isOwned' | 'ledger'>,
  messages: readonly KafkaMessage[],
  take: (messages: readonly KafkaMessage[]) => boolean,
): Promise<void> {
  const { ledger } = source;
  for (let from = 0; from < messages.length; from += RECORDS_PER_TURN) {
    if (!take(messages.slice(from, from + RECORDS_PER_TURN))) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (!source.isOwned || source.ledger !== ledger) return;
  }
}
