import type { Config } from '../../config/config';
import type { Topics } from '../../contract/topics';
import { deniedReadings } from './access-check';
import { firstContact } from './first-contact';
import type { Log } from '../../observability/log';
import type { SharedClient } from '../client/shared-client';
import { commandReading, retryReadings } from '../group/readings';
import { missingTopics } from './topic-check';

/** A fault of the surroundings that no retry mends: the process cannot start. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

interface Deps {
  readonly config: Config;
  readonly topics: Topics;
  /** Started by this. */
  readonly client: SharedClient;
  readonly log: Log;
}

/**
 * Waits for Kafka and makes sure that all topics and groups can be used. Resolves to false where `signal` aborts first.
 *
 * @throws StartError that says what is refused or missing, and what to do.
 */
export async function untilKafkaServes({ config, topics, client, log }: Deps, signal: AbortSignal): Promise<boolean> {
  const refusal = await firstContact(config.kafka, log, signal);
  if (refusal !== null) throw new StartError(refusal);
  if (signal.aborted) return false;
  await client.start();
  const commands = topics.commands(config.kafka.channels).map(({ topic }) => topic);
  const retries = retryReadings(config, topics).map(({ reading }) => reading);
  const required = {
    commands,
    results: topics.results,
    deadLetters: topics.deadLetters,
    retries: retries.flatMap((reading) => reading.topics),
  };
  const missing = await missingTopics(client.admin, required, config.kafka.createTopics);
  if (missing.length > 0) {
    throw new StartError(
      `missing topics: ${missing.join(', ')}. Create them, or set CREATE_TOPICS=true in development. ` +
        'Topics that the Kafka user may not describe count as missing.',
    );
  }
  const readings = [...commands.map((topic) => commandReading(config, topic)), ...retries];
  const denied = await deniedReadings(client.kafka, readings);
  if (denied.length > 0)
    throw new StartError(`the Kafka user is denied ${denied.join(', ')}: it needs an ACL for each`);
  return true;
}
