import type { KafkaMessage } from 'kafkajs';
import type { AbortedTransaction } from '../batches/aborted-transactions';
import type { FetchedBytes } from '../batches/pieces';
import type { FetchedRecord } from '../batches/records';

/** What is used of kafkajs's decoder of the Kafka protocol. */
interface Decoder {
  readInt32(): number;
  canReadBytes(count: number): boolean;
  readBytes(count: number): Buffer;
}

/** In place of the messages of one partition: none, and the bytes that they are in. */
type Undecoded = readonly never[] & { bytes?: Buffer; aborted?: readonly AbortedTransaction[] };

/** One partition of kafkajs's answer to a fetch. */
export interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly abortedTransactions?: readonly AbortedTransaction[];
  readonly messages: unknown;
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

interface ResponseModule {
  decode: (bytes: Buffer) => Promise<FetchAnswer>;
}

/** What kafkajs makes of one partition of an answer, and gives to `eachBatch`. */
interface Batch {
  readonly fetchedOffset: string;
  readonly highWatermark: string;
  readonly rawMessages: Undecoded;
  isEmpty: (this: Batch) => boolean;
}

const FETCH = 'kafkajs/src/protocol/requests/fetch';
/** Those that know record batches. */
const VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11] as const;
const NOTHING = Buffer.alloc(0);
let arePatched = false;

/**
 * Leaves what a fetch has brought as it came, for the reader in `kafka/batches`. kafkajs 2.2.4 decodes it all at once,
 * before it knows of what partition it is: a batch of 110,000 records overflows its stack, and one that it cannot read
 * crashes the consumer for ever. It takes the list of aborted transactions for sorted, and reads no further behind a
 * batch that compaction has emptied. To be called before anything is fetched, since kafkajs loads what decodes answers
 * only then.
 */
export function patchFetchedBatches(): void {
  if (arePatched) return;
  arePatched = true;
  const decodeModule = `${FETCH}/v4/decodeMessages`;
  require(decodeModule);
  const loaded = require.cache[require.resolve(decodeModule)];
  if (loaded === undefined) throw new Error('kafkajs is not where it was');
  loaded.exports = takeUndecoded;
  for (const response of new Set(
    VERSIONS.map((version) => require(`${FETCH}/v${version}/response`) as ResponseModule),
  )) {
    const { decode } = response;
    response.decode = async (bytes) => withAborted(await decode(bytes));
  }
  const { prototype } = require('kafkajs/src/consumer/batch') as { readonly prototype: Batch };
  // Nothing is known of what is in it, so kafkajs is to hand it over.
  prototype.isEmpty = function () {
    return (this.rawMessages.bytes ?? NOTHING).length === 0;
  };
}

/** What a batch of `eachBatch` consists of. */
export function fetchedBytes(batch: object): FetchedBytes {
  const { fetchedOffset, highWatermark, rawMessages } = batch as Batch;
  return {
    bytes: rawMessages.bytes ?? NOTHING,
    from: Number(fetchedOffset),
    highWatermark: Number(highWatermark),
    abortedTransactions: rawMessages.aborted ?? [],
  };
}

/** What a fetch without a group, from offset `from` on, has brought of a partition. */
export function fetchedOf({ highWatermark, messages }: FetchedPartition, from: number): FetchedBytes {
  return fetchedBytes({ fetchedOffset: String(from), highWatermark, rawMessages: messages });
}

/** Reads an entry in one of the formats of before Kafka 0.11. Rejects where it cannot be read. */
export async function readOldEntry(bytes: Buffer): Promise<readonly FetchedRecord[]> {
  const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => Decoder;
  const decodeSet = require('kafkajs/src/protocol/messageSet/decoder') as (
    decoder: Decoder,
    size: number,
  ) => Promise<readonly KafkaMessage[]>;
  const messages = await decodeSet(new Decoder(bytes), bytes.length);
  if (messages.length === 0) throw new Error('no message in it');
  return messages.map(({ offset, timestamp, key, value }) => ({
    offset: Number(offset),
    timestampMs: Number(timestamp ?? -1),
    key,
    value,
    headers: {},
  }));
}

function takeUndecoded(decoder: Decoder): Promise<Undecoded> {
  const size = decoder.readInt32();
  const bytes = size > 0 && decoder.canReadBytes(size) ? decoder.readBytes(size) : NOTHING;
  return Promise.resolve(Object.assign([], { bytes }));
}

function withAborted(answer: FetchAnswer): FetchAnswer {
  for (const { partitions } of answer.responses) {
    for (const { messages, abortedTransactions } of partitions) {
      (messages as Undecoded).aborted = abortedTransactions ?? [];
    }
  }
  return answer;
}
