import type { OffsetReset } from '../client/kafka-client';

/** Carries the news from kafkajs's log, the only place where it tells it, to the consumer that it concerns. */
export class OffsetResets {
  private listener: OffsetReset = () => undefined;

  /** There is one listener. */
  watch(listener: OffsetReset): void {
    this.listener = listener;
  }

  tell(topic: string, partition: number): void {
    this.listener(topic, partition);
  }
}
