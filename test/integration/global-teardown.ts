/** Stops the Kafka that global-setup started. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.sharedKafka?.stop();
}
