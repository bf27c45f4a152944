import type { KafkaConfig } from './config';
import type { ReadFile } from './carried-texts';
import { Environment } from './environment';
import { readConfig } from './read-config';
import { settingsOf } from './setting';

/** As a {@link ConfigReading}, of Kafka's settings alone. */
export type KafkaConfigReading =
  { readonly ok: true; readonly config: KafkaConfig } | { readonly ok: false; readonly faults: readonly string[] };

/** In place of a replica's id: what reads and redrives is none, and must not pass for one. */
const CLIENT = 'cli';

/**
 * Reads what a tool needs that speaks to Kafka and to nothing else: the settings `KAFKA_…` and `TOPIC_PREFIX`. The others are
 * as if they were not set, and may be missing where the service requires them.
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
