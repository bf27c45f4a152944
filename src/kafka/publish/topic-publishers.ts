import type { Publication, Published } from '../../settlement/publisher';
import type { RecordPublisher } from './record-publisher';

type TopicPublisher = Pick<RecordPublisher, 'publish' | 'stop' | 'unwritable'>;

/**
 * Publishes to any topics, each by a publisher of its own that is made with its first record. A topic that cannot be
 * written holds up its own records alone. They do not even share a producer: kafkajs asks for the metadata of all
 * topics
 * of a producer in one request, and that fails for all if it fails for one.
 */
export class TopicPublishers {
  private readonly publishers = new Map<string, TopicPublisher>();

  constructor(private readonly newPublisher: () => TopicPublisher) {}

  /** The topics whose records Kafka does not take at the moment. */
  get unwritable(): readonly string[] {
    return [...this.publishers.values()].flatMap(({ unwritable }) => unwritable);
  }

  publish(record: Publication): Promise<Published> {
    const { topic } = record;
    const publisher = this.publishers.get(topic) ?? this.newPublisher();
    this.publishers.set(topic, publisher);
    return publisher.publish(record);
  }

  /** Ends all retries. Records that are not acknowledged by then never will be. */
  async stop(): Promise<void> {
    await Promise.all([...this.publishers.values()].map((publisher) => publisher.stop()));
  }
}
