import type { Log } from '../../observability/log';
import type { KafkaConfig } from '../../config/config';
import type { Topics } from '../../contract/topics';
import type { Telemetry } from '../../observability/telemetry';
import type { SharedClient } from '../client/shared-client';
import type { HaltReason, Halts } from '../partitions/halts';
import { RecordPublisher } from './record-publisher';
import { ReplyPublisher } from './reply-publisher';

interface Deps {
  readonly config: KafkaConfig;
  readonly client: SharedClient;
  readonly topics: Topics;
  readonly halts: Halts;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

/**
 * One publisher for each kind of record that the service writes, so that a fault of one topic does not stop the others.
 */
export class Publishers {
  readonly results: RecordPublisher;
  readonly deadLetters: RecordPublisher;
  readonly retries: RecordPublisher;
  readonly replies: ReplyPublisher;

  constructor(private readonly deps: Deps) {
    const { client, topics, log } = deps;
    this.results = this.publisher('results', [topics.results]);
    this.deadLetters = this.publisher('dead-letters', [topics.deadLetters]);
    this.retries = this.publisher('retries', []);
    this.replies = new ReplyPublisher(client.kafka, log);
  }

  async start(): Promise<void> {
    await Promise.all(this.all().map((publisher) => publisher.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all().map((publisher) => publisher.stop()));
  }

  /** @param reason the halt while Kafka takes none of this publisher's records */
  private publisher(reason: HaltReason, urgentTopics: readonly string[]): RecordPublisher {
    const { config, client, halts, telemetry, log } = this.deps;
    return new RecordPublisher({
      kafka: client.kafka,
      urgentTopics,
      timeoutMs: config.publishTimeoutMs,
      telemetry,
      log,
      onBlocked: (isBlocked) => halts.set(reason, isBlocked),
    });
  }

  private all(): readonly (RecordPublisher | ReplyPublisher)[] {
    return [this.results, this.deadLetters, this.retries, this.replies];
  }
}
