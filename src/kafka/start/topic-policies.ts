import { type Admin, ConfigResourceTypes } from 'kafkajs';
import { describe, isOfType } from '../client/errors';
import type { Log } from '../../observability/log';

const SETTING = 'cleanup.policy';
const COMPACT = 'compact';
/** The brokers do not tell this user: that is no reason not to start. */
const UNTOLD: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/**
 * The topics that the service writes to and that are compacted, alone or beside `delete`: `<topic> (<setting>)`. Such a
 * topic
 * refuses records without a key for ever, and drops all but the last record of a key. None where the brokers do not
 * tell.
 *
 * @throws KafkaJSError where the cluster does not answer
 */
export async function compactedTopics(
  admin: Pick<Admin, 'describeConfigs'>,
  topics: readonly string[],
  log: Log,
): Promise<string[]> {
  const resources = topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name, configNames: [SETTING] }));
  try {
    const answer = await admin.describeConfigs({ resources, includeSynonyms: false });
    return answer.resources.flatMap(({ resourceName, configEntries }) => {
      const policy = configEntries.find(({ configName }) => configName === SETTING)?.configValue ?? '';
      return policy.split(',').some((each) => each.trim() === COMPACT)
        ? [`${resourceName} (${SETTING}=${policy})`]
        : [];
    });
  } catch (error) {
    if (!isOfType(error, UNTOLD)) throw error;
    log('info', 'whether topics are compacted cannot be told', { error: describe(error) });
    return [];
  }
}
