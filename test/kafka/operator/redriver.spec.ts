import { type Kafka, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs';
import { TransactionalRedriver } from '../../../src/kafka/operator/redriver';

const { createErrorFromCode: saying } = require('kafkajs/src/protocol/error') as {
  readonly createErrorFromCode: (code: number) => Error;
};

const TIMED_OUT = 7;
const CONCURRENT_TRANSACTIONS = 51;
const INVALID_PRODUCER_EPOCH = 47;

interface Refusals {
  readonly sendBatch?: Error;
  readonly sendOffsets?: Error;
  readonly commit?: Error;
  readonly abort?: Error;
}

/** A fake, since a broker refuses in these ways only for milliseconds, while another redrive takes the id over. */
function kafkaThatRefuses(refusals: Refusals): Kafka {
  let transactions = 0;
  const transaction = async () => {
    // The first transaction only takes the id over.
    const refused = transactions++ === 0 ? {} : refusals;
    let hasEnded = false;
    const end = (how: 'commit' | 'abort') => async () => {
      if (hasEnded) throw new Error('kafkajs permits one end');
      hasEnded = true;
      if (refused[how] !== undefined) throw refused[how];
    };
    return {
      sendBatch: async () => {
        if (refused.sendBatch !== undefined) throw refused.sendBatch;
        return [{ topicName: 'commands', partition: 0 }];
      },
      sendOffsets: async () => {
        if (refused.sendOffsets !== undefined) throw refused.sendOffsets;
      },
      commit: end('commit'),
      abort: end('abort'),
    };
  };
  const producer = { connect: async () => undefined, disconnect: async () => undefined, transaction };
  return { admin: () => ({}), producer: () => producer } as unknown as Kafka;
}

async function redrive(refusals: Refusals) {
  const redriver = new TransactionalRedriver({
    kafka: kafkaThatRefuses(refusals),
    groupId: 'dispatcher',
    deadLetters: 'dead-letters',
  });
  await redriver.takeOver();
  const record = { topic: 'commands', partition: 0, key: null, value: null, headers: {} };
  return redriver.redrive([record], [{ page: 0, partitions: [{ partition: 0, offset: '1', metadata: '' }] }]);
}

describe('a redrive', () => {
  it.each<[string, Refusals]>([
    ['its writing', { sendBatch: saying(INVALID_PRODUCER_EPOCH) }],
    [
      'its writing, again and again',
      {
        sendBatch: new KafkaJSNumberOfRetriesExceeded(saying(INVALID_PRODUCER_EPOCH), { retryCount: 8, retryTime: 1 }),
      },
    ],
    [
      'its writing by any fault, and then its abort',
      { sendBatch: saying(TIMED_OUT), abort: saying(INVALID_PRODUCER_EPOCH) },
    ],
    [
      'its marks and its abort while the brokers still end what it began',
      {
        sendOffsets: saying(CONCURRENT_TRANSACTIONS),
        abort: saying(CONCURRENT_TRANSACTIONS),
      },
    ],
    ['its commit while the brokers still end what it began', { commit: saying(CONCURRENT_TRANSACTIONS) }],
    ['its commit', { commit: saying(INVALID_PRODUCER_EPOCH) }],
  ])('reports that another redrive has taken over if Kafka refuses %s', async (_what, refusals) => {
    expect(await redrive(refusals)).toBe('taken-over');
  });

  it.each<[string, Refusals]>([
    ['its writing', { sendBatch: saying(TIMED_OUT) }],
    ['its writing for the transaction before', { sendBatch: saying(CONCURRENT_TRANSACTIONS) }],
    ['its commit', { commit: saying(TIMED_OUT) }],
  ])('throws the error of Kafka if it refuses %s', async (_what, refusals) => {
    await expect(redrive(refusals)).rejects.toThrow(KafkaJSProtocolError);
  });
});
