import { type Piece, RECORDS_PER_PIECE } from '../batches/pieces';
import type { AssignedPartition } from './assigned-partition';

/** If a whole fetch were taken in at once, answers of the API would wait for tens of milliseconds. */
export const RECORDS_PER_TURN = RECORDS_PER_PIECE;

/**
 * Takes a fetch in, some records in each turn of the event loop, so that answers of the API are read in between. Ends
 * early if `take` returns false, or if the partition is lost meanwhile. That holds even if the partition has already
 * come back: its new ledger begins at the committed offset, and must see every record from there on.
 *
 * @param turnEnds called after each turn and at the end; returns whether there is another turn
 */
export async function takeInTurns(
  source: Pick<AssignedPartition, 'isOwned' | 'ledger'>,
  pieces: AsyncIterable<Piece>,
  take: (piece: Piece) => boolean,
  turnEnds: (records: number) => boolean,
): Promise<void> {
  const { ledger } = source;
  let ofTurn = 0;
  for await (const piece of pieces) {
    if (!source.isOwned || source.ledger !== ledger) break;
    if (piece.kind === 'records') ofTurn += piece.records.length;
    if (!take(piece)) break;
    if (ofTurn < RECORDS_PER_TURN) continue;
    if (!turnEnds(ofTurn)) return;
    ofTurn = 0;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  turnEnds(ofTurn);
}
