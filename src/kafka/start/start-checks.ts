import type { Log } from '../../observability/log';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config';
import type { Topics } from '../../contract/topics';
import { deniedReadings } from './access-check';
import { firstContact } from './first-contact';
import { removeFormerMembers } from './former-members';
import type { SharedClient } from '../client/shared-client';
import { commandReading, retryReadings } from '../group/readings';
import { missingTopics } from './topic-check';
import { compactedTopics } from './topic-policies';

/** A fault of the surroundings that no retry mends: the process cannot start. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

interface Deps {
  readonly config: Config;
  readonly topics: Topics;
  readonly client: SharedClient;
  readonly log: Log;
}

/**
 * After a crash other replicas have this long to go on with its partitions before this one asks for a share again: in a crash
 * loop it would take them away each time, and never come to send anything.
 */
const AFTER_CRASH_MS = 5_000;

/** What is made sure of before the first record is read. */
export class StartChecks {
  constructor(private readonly deps: Deps) {}

  /**
   * Waits for Kafka, starts the client, and makes sure that all topics and groups can be used. Resolves to false where
   * `signal` aborts first.
   *
   * @throws StartError that says what is refused or missing, and what to do.
   */
  async untilKafkaServes(signal: AbortSignal): Promise<boolean> {
    const { config, topics, client, log } = this.deps;
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
    const compacted = await compactedTopics(
      client.admin,
      [required.results, required.deadLetters, ...required.retries],
      log,
    );
    if (compacted.length > 0) {
      throw new StartError(
        `compacted topics: ${compacted.join(', ')}. Set cleanup.policy=delete: a compacted topic refuses records ` +
          'without a key, and keeps only the last record of each key.',
      );
    }
    const readings = [...commands.map((topic) => commandReading(config, topic)), ...retries];
    const denied = await deniedReadings(client.kafka, readings);
    if (denied.length > 0) {
      throw new StartError(`the Kafka user is denied ${denied.join(', ')}: it needs an ACL for each`);
    }
    return true;
  }

  /** Takes a dead predecessor of this replica out of its groups, and leaves its partitions to others for a moment. */
  async replacePredecessor(groupIds: readonly string[], signal: AbortSignal): Promise<void> {
    const { config, client, log } = this.deps;
    const { clientId } = config.kafka;
    if (await removeFormerMembers(client, { clientId, groupIds, log })) {
      await sleep(AFTER_CRASH_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
