/** How long somebody at a terminal may have to wait for Kafka. */
export const KAFKA_DEADLINE_MS = 15_000;

/** Kafka did not answer in time. */
export class KafkaAway extends Error {
  override readonly name = 'KafkaAway';

  /** `doing` completes "Kafka is away: … took longer than 15 s". */
  constructor(doing: string) {
    super(`Kafka is away: ${doing} took longer than ${KAFKA_DEADLINE_MS / 1_000} s`);
  }
}

/**
 * The result of `work`, within a deadline: the retries of kafkajs never end.
 *
 * @throws KafkaAway after 15 s, or the reason of the signal. `work` itself is not stopped.
 */
export async function withinDeadline<T>(work: Promise<T>, doing: string, signal?: AbortSignal): Promise<T> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal?.reason);
  const timer = setTimeout(() => reject(new KafkaAway(doing)), KAFKA_DEADLINE_MS);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted) giveUp();
  try {
    return await Promise.race([work, never]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
    // If `work` fails after the deadline, nobody listens: without this it would be an unhandled rejection.
    work.catch(() => undefined);
  }
}
