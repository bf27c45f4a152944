import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { announceIfSlow } from './progress.ts';
import type { LaunchPlan } from './dev-kafka.ts';

const run = promisify(execFile);

/** The Kafka of development, in Docker as well. */
export const KAFKA_VERSION = '4.3.0';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>messages-dispatcher</groupId><artifactId>development-kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** The folder of the jars. It exists only when it is complete. */
export function jarsFolder(root: string): string {
  return join(root, 'node_modules', '.cache', 'messages-dispatcher', `kafka-${KAFKA_VERSION}`);
}

/**
 * Has Maven fetch Kafka's jars (43 MB) unless they are there, and returns their folder. May run in several processes at
 * once: each fills a folder of its own, then renames it; all but the first drop their copy. Rejects with Maven's last
 * lines.
 */
export async function ensureJars({ root, log, signal }: Pick<LaunchPlan, 'root' | 'log' | 'signal'>): Promise<string> {
  const folder = jarsFolder(root);
  if (existsSync(folder)) return folder;
  await mkdir(join(folder, '..'), { recursive: true });
  const staging = await mkdtemp(`${folder}.`);
  try {
    const pom = join(staging, 'pom.xml');
    const jars = join(staging, 'jars');
    await writeFile(pom, POM);
    const copying = run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], {
      env: process.env,
      signal,
    });
    await announceIfSlow(log, `downloading Kafka ${KAFKA_VERSION} with Maven (43 MB, once)`, copying);
    await rename(jars, folder);
  } catch (error) {
    signal.throwIfAborted();
    if (!existsSync(folder))
      throw new Error(`Maven could not fetch Kafka ${KAFKA_VERSION}: ${lastLines(error)}`, { cause: error });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return folder;
}

function lastLines(error: unknown): string {
  const stdout = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : '';
  return stdout.trim().split('\n').slice(-5).join('\n') || String(error);
}
