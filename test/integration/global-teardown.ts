/** Stops what global-setup started. */
export default async function globalTeardown(): Promise<void> {
  await Promise.all([globalThis.sharedKafka?.stop(), globalThis.sharedRedis?.stop()]);
}
