/** Told that reading of a partition starts anew, since the offset it was to go on from is gone. */
export type OffsetReset = (topic: string, partition: number) => void;

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
