import type { Log } from '../../observability/log';
import type { KafkaConfig } from '../../config/config';
import type { Topics } from '../../contract/topics';
import type { Telemetry } from '../../observability/telemetry';
import type { SharedClient } from '../client/shared-client';
import { createProducerWithCluster } from '../kafkajs-patches/internal-cluster';
import { PRODUCER } from './producing';
import { RecordPublisher } from './record-publisher';
import { ReplyPublisher } from './reply-publisher';
import { TopicPublishers } from './topic-publishers';

interface Deps {
  readonly config: KafkaConfig;
  readonly client: SharedClient;
  readonly topics: Topics;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

/**
 * One publisher for each kind of record that the service writes, so that a fault of one topic does not stop the others.
 */
export class Publishers {
  readonly results: RecordPublisher;
  readonly deadLetters: RecordPublisher;
  readonly retries: TopicPublishers;
  readonly replies: ReplyPublisher;

  constructor(private readonly deps: Deps) {
    const { client, topics, log } = deps;
    this.results = this.publisher([topics.results]);
    this.deadLetters = this.publisher([topics.deadLetters]);
    this.retries = new TopicPublishers(() => this.publisher([]));
    this.replies = new ReplyPublisher(client.kafka, log);
  }

  /** Topics whose records Kafka does not take at the moment. What needs them waits. */
  get unwritable(): readonly string[] {
    return [this.results, this.deadLetters, this.retries].flatMap(({ unwritable }) => unwritable);
  }

  async start(): Promise<void> {
    await Promise.all([this.results, this.deadLetters, this.replies].map((publisher) => publisher.start()));
  }

  async stop(): Promise<void> {
    const all = [this.results, this.deadLetters, this.retries, this.replies];
    await Promise.all(all.map((publisher) => publisher.stop()));
  }

  private publisher(urgentTopics: readonly string[]): RecordPublisher {
    const { config, client, telemetry, log } = this.deps;
    return new RecordPublisher({
      newProducer: () => createProducerWithCluster(client.kafka, PRODUCER),
      urgentTopics,
      timeoutMs: config.publishTimeoutMs,
      // With a quarter that gathers for its commit, they stay below what may be unrecorded.
      atOnce: Math.ceil(config.maxUnrecorded / 2),
      telemetry,
      log,
    });
  }
}
