import { existsSync } from 'node:fs';
import { dockerAvailable } from './docker-available.ts';
import { findJava, mavenAvailable } from './java-available.ts';
import { jarsFolder } from './kafka-jars.ts';

/** How the development Kafka is run. */
export type Source =
  | { readonly kind: 'existing'; readonly brokers: readonly string[] }
  | { readonly kind: 'docker' }
  | { readonly kind: 'java'; readonly java: string };

/**
 * Chooses, in this order: what `DEV_KAFKA` says (`docker` or `java`); the Kafka of `KAFKA_BROKERS`; Docker, if an
 * engine answers; Java. If there is none of these, it throws one message that says what to install.
 */
export async function chooseSource(root: string): Promise<Source> {
  const forced = process.env['DEV_KAFKA'] || undefined;
  if (forced !== undefined && forced !== 'docker' && forced !== 'java') {
    throw new Error('DEV_KAFKA must be docker or java, or not set');
  }
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').map((address) => address.trim());
  if (forced === undefined && brokers[0] !== '') return { kind: 'existing', brokers: brokers.filter(Boolean) };

  const wanting: string[] = [];
  if (forced !== 'java') {
    if (await dockerAvailable()) return { kind: 'docker' };
    wanting.push('no Docker engine answers');
  }
  if (forced !== 'docker') {
    const java = await findJava();
    const jarsAtHand = existsSync(jarsFolder(root)) || (await mavenAvailable());
    if (java !== undefined && jarsAtHand) return { kind: 'java', java };
    if (java === undefined) wanting.push('no Java 17 or newer');
    if (!jarsAtHand) wanting.push('no Maven');
  }
  throw new Error(
    `No Kafka to develop with (${wanting.join(', ')}). ` +
      'Install Docker, or Java 17 with Maven, or set KAFKA_BROKERS=host:port to use a Kafka that runs already.',
  );
}
