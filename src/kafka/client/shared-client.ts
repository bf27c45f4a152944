import type { Admin, Kafka } from 'kafkajs';
import type { KafkaConfig } from '../../config/config';
import { createKafka, type OffsetReset } from './kafka-client';
import type { Log } from '../../observability/log';

/** The kafkajs client of the whole service, and the one admin connection for questions to the cluster. */
export class SharedClient {
  readonly kafka: Kafka;
  readonly admin: Admin;
  private onOffsetReset: OffsetReset = () => undefined;

  constructor(config: KafkaConfig, log: Log) {
    // kafkajs reports a reset only in its log.
    this.kafka = createKafka(config, log, (topic, partition) => this.onOffsetReset(topic, partition));
    this.admin = this.kafka.admin();
  }

  /** Calls `onOffsetReset` whenever a partition is read from its start again. There is one listener. */
  watchOffsets(onOffsetReset: OffsetReset): void {
    this.onOffsetReset = onOffsetReset;
  }

  /** Opens the admin connection; tries until it succeeds. */
  start(): Promise<void> {
    return this.admin.connect();
  }

  /** Closes the admin connection, if there is one. */
  stop(): Promise<void> {
    return this.admin.disconnect();
  }
}
