import { TopicPublishers } from '../../../src/kafka/publish/topic-publishers';
import type { Publication, Published } from '../../../src/settlement/publisher';

class FakePublisher {
  readonly records: Publication[] = [];
  readonly answers: ((how: Published) => void)[] = [];
  unwritable: readonly string[] = [];
  isStopped = false;

  publish(record: Publication): Promise<Published> {
    this.records.push(record);
    return new Promise((resolve) => this.answers.push(resolve));
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }
}

const record = (topic: string): Publication => ({ topic, key: null, value: 'v', headers: {} });

describe('publishers of several topics', () => {
  it('write to each topic through a publisher of its own, so that one that waits holds up no other', async () => {
    const made: FakePublisher[] = [];
    const publishers = new TopicPublishers(() => {
      const publisher = new FakePublisher();
      made.push(publisher);
      return publisher;
    });
    void publishers.publish(record('stuck'));
    const other = publishers.publish(record('other'));
    void publishers.publish(record('stuck'));
    expect(made.map(({ records }) => records.map(({ topic }) => topic))).toEqual([['stuck', 'stuck'], ['other']]);
    const [stuck, free] = made as [FakePublisher, FakePublisher];
    free.answers[0]?.('acknowledged');
    expect(await other).toBe('acknowledged');
    stuck.unwritable = ['stuck'];
    expect(publishers.unwritable).toEqual(['stuck']);
    await publishers.stop();
    expect(made.map(({ isStopped }) => isStopped)).toEqual([true, true]);
  });
});
