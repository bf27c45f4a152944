import { patchProduceAnswers, placeName, takenDespite } from '../../../src/kafka/kafkajs-patches/produce-answers';

const TOO_LARGE = 10;

interface Response {
  parse(answer: object): Promise<unknown>;
}

async function refusalOf(answer: object): Promise<unknown> {
  const response = require('kafkajs/src/protocol/requests/produce/v7/response') as Response;
  return response.parse(answer).catch((error: unknown) => error);
}

describe('the patched reading of answers to produce requests', () => {
  beforeAll(() => patchProduceAnswers());

  it('knows which partitions have taken their records if another partition has refused its records', async () => {
    const partitions = [
      { partition: 0, errorCode: 0 },
      { partition: 1, errorCode: TOO_LARGE },
      { partition: 2, errorCode: 0 },
    ];
    const error = await refusalOf({ topics: [{ topicName: 'results', partitions }] });
    expect(error).toBeInstanceOf(Error);
    expect([...takenDespite(error)]).toEqual([placeName('results', 0), placeName('results', 2)]);
    expect([...takenDespite(new Error('wrapped', { cause: error }))]).toHaveLength(2);
  });

  it('names no partition after any other error', () => {
    expect(takenDespite(new Error('the connection broke')).size).toBe(0);
    expect(takenDespite(null).size).toBe(0);
  });
});
