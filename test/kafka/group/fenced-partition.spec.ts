import { FencedPartition } from '../../../src/kafka/group/fenced-partition';

type Request = (commit: object) => { encode(): Promise<{ buffer: Buffer }> };
const offsetCommit = require('kafkajs/src/protocol/requests/offsetCommit/v5/request') as Request;

function encoded(partition: number): Promise<{ buffer: Buffer }> {
  const topics = [{ topic: 't', partitions: [{ partition, offset: '5', metadata: 'm' }] }];
  return offsetCommit({ groupId: 'g', groupGenerationId: 1, memberId: 'm-1', topics }).encode();
}

describe('a fenced partition', () => {
  it('is written by kafkajs as its number, and works as a key like the number', async () => {
    const fenced = new FencedPartition(7, new AbortController().signal).asNumber();
    expect((await encoded(fenced)).buffer).toEqual((await encoded(7)).buffer);
    expect({ [fenced]: 1 }).toEqual({ 7: 1 });
  });

  it('makes a commit fail once the assignment is over, with an error that kafkajs does not retry', async () => {
    const assignment = new AbortController();
    const fenced = new FencedPartition(7, assignment.signal).asNumber();
    assignment.abort();
    await expect(encoded(fenced)).rejects.toMatchObject({ name: 'AssignmentOver', retriable: false });
  });
});
