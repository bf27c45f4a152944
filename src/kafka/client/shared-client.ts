import type { Admin, Kafka } from 'kafkajs';
import type { KafkaConfig } from '../../config/config';
import { createKafka, type OffsetReset } from './kafka-client';
import type { Log } from '../../observability/log';

/** The client of the whole service, and the one connection for its questions to the cluster. */
export class SharedClient {
  readonly kafka: Kafka;
  readonly admin: Admin;

  constructor(config: KafkaConfig, log: Log, onOffsetReset: OffsetReset) {
    this.kafka = createKafka(config, log, onOffsetReset);
    this.admin = this.kafka.admin();
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
