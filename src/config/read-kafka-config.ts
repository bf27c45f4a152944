import type { KafkaConfig } from './config';
import type { ReadFile } from './carried-texts';
import { Environment } from './environment';
import { readConfig } from './read-config';
import { settingsOf } from './setting';

/** A {@link ConfigReading} of only Kafka's settings. */
export type KafkaConfigReading =
  { readonly ok: true; readonly config: KafkaConfig } | { readonly ok: false; readonly faults: readonly string[] };

/** Takes the place of a replica id. The command line is not a replica and must not look like one. */
const CLIENT = 'cli';

/**
 * Reads the settings of a tool that only speaks to Kafka: `KAFKA_…` and `TOPIC_PREFIX`. It ignores all other settings,
 * also those that the service requires.
 */
export function readKafkaConfig(env: NodeJS.ProcessEnv, readFile?: ReadFile): KafkaConfigReading {
  const standIns = settingsOf(Environment).flatMap(({ variable, unset }) =>
    !isKafkas(variable) && unset.kind === 'required' ? [[variable, unset.example] as const] : [],
  );
  const own = Object.entries(env).filter(([variable]) => isKafkas(variable));
  const read = readConfig({ ...Object.fromEntries([...own, ...standIns]), REPLICA_ID: CLIENT }, readFile);
  return read.ok ? { ok: true, config: read.config.kafka } : read;
}

function isKafkas(variable: string): boolean {
  return variable.startsWith('KAFKA_') || variable === 'TOPIC_PREFIX';
}
