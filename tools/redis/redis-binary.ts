import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { LaunchPlan } from '../kafka/dev-kafka.ts';
import { announceIfSlow } from '../kafka/progress.ts';

const run = promisify(execFile);

/** The Redis inside Signal's embedded-redis: linked statically, for the four platforms below. */
const REDIS_VERSION = '7.0.15';
const ARTIFACT_VERSION = '0.9.1';

const SYSTEMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

function pomFor(outputFolder: string, name: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>messages-dispatcher</groupId><artifactId>development-redis</artifactId><version>1</version>
  <packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>
    <configuration>
      <artifactItems><artifactItem>
        <groupId>org.signal</groupId><artifactId>embedded-redis</artifactId><version>${ARTIFACT_VERSION}</version>
      </artifactItem></artifactItems>
      <includes>${name}</includes><outputDirectory>${outputFolder}</outputDirectory>
    </configuration>
  </plugin></plugins></build>
</project>
`;
}

/** The path of the program, even if it is not there yet; null if there is none for this platform. */
export function redisBinary(root: string): string | null {
  const [system, processor] = [SYSTEMS[process.platform], PROCESSORS[process.arch]];
  if (system === undefined || processor === undefined) return null;
  const name = `redis-server-${REDIS_VERSION}-${system}-${processor}`;
  return join(root, 'node_modules', '.cache', 'messages-dispatcher', name);
}

/**
 * Has Maven fetch the program (11 MB) unless it is there, and returns its path. May run in several processes at once:
 * each unpacks into a folder of its own, then renames the file. Rejects with Maven's last lines.
 */
export async function ensureRedisBinary({
  root,
  log,
  signal,
}: Pick<LaunchPlan, 'root' | 'log' | 'signal'>): Promise<string> {
  const binary = redisBinary(root);
  if (binary === null) throw new Error(`there is no Redis for ${process.platform} ${process.arch}`);
  if (existsSync(binary)) return binary;
  const name = basename(binary);
  await mkdir(dirname(binary), { recursive: true });
  const staging = await mkdtemp(`${binary}.`);
  try {
    const pom = join(staging, 'pom.xml');
    await writeFile(pom, pomFor(staging, name));
    const unpacking = run('mvn', ['-q', '-B', '-f', pom, 'dependency:unpack'], { env: process.env, signal });
    await announceIfSlow(log, `downloading Redis ${REDIS_VERSION} with Maven (11 MB, once)`, unpacking);
    await chmod(join(staging, name), 0o755);
    await rename(join(staging, name), binary);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`Maven could not fetch Redis ${REDIS_VERSION}: ${lastLines(error)}`, { cause: error });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return binary;
}

function lastLines(error: unknown): string {
  const stdout = typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : '';
  return stdout.trim().split('\n').slice(-5).join('\n') || String(error);
}
