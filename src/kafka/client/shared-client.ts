import type { Admin, Kafka } from 'kafkajs';
import type { KafkaConfig } from '../../config/config';
import { createKafka, type OffsetReset } from './kafka-client';
import type { Log } from '../../observability/log';

/** The client of the whole service, and the one connection for its questions to the cluster. */
export class SharedClient {
  readonly kafka: Kafka;
  readonly admin: Admin;
  private onOffsetReset: OffsetReset = () => undefined;

  constructor(config: KafkaConfig, log: Log) {
    // kafkajs tells of a reset in its log alone.
    this.kafka = createKafka(config, log, (topic, partition) => this.onOffsetReset(topic, partition));
    this.admin = this.kafka.admin();
  }

  /** Calls `onOffsetReset` whenever reading of a partition starts anew; there is one listener. */
  watchOffsets(onOffsetReset: OffsetReset): void {
    this.onOffsetReset = onOffsetReset;
  }

  /** Connects for questions, as often as it takes. */
  start(): Promise<void> {
    return this.admin.connect();
  }

  /** Ends that connection; nothing happens where there is none. */
  stop(): Promise<void> {
    return this.admin.disconnect();
  }
}
