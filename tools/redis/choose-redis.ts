import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { dockerAvailable } from '../kafka/docker-available.ts';
import { mavenAvailable } from '../kafka/java-available.ts';
import { redisBinary } from './redis-binary.ts';

const run = promisify(execFile);

/** How the development Redis is run. */
export type RedisSource =
  | { readonly kind: 'existing'; readonly url: string }
  | { readonly kind: 'docker' }
  | { readonly kind: 'path' }
  | { readonly kind: 'maven' };

/**
 * Chooses, in this order: what `DEV_KAFKA` says (`docker`, or `java` for a program of this machine), as for Kafka; the
 * Redis of `REDIS_URL`; Docker, if an engine answers; `redis-server` on the PATH; the program that Maven fetches.
 * Throws one message that says what to install.
 */
export async function chooseRedis(root: string): Promise<RedisSource> {
  const forced = process.env['DEV_KAFKA'] || undefined;
  if (forced !== undefined && forced !== 'docker' && forced !== 'java') {
    throw new Error('DEV_KAFKA must be docker or java, or not set');
  }
  const url = process.env['REDIS_URL'] || undefined;
  if (forced === undefined && url !== undefined) return { kind: 'existing', url };

  const wanting: string[] = [];
  if (forced !== 'java') {
    if (await dockerAvailable()) return { kind: 'docker' };
    wanting.push('no Docker engine answers');
  }
  if (forced !== 'docker') {
    if (await onPath()) return { kind: 'path' };
    wanting.push('no redis-server on the PATH');
    const binary = redisBinary(root);
    if (binary === null) wanting.push(`none that Maven has for ${process.platform} ${process.arch}`);
    else if (existsSync(binary) || (await mavenAvailable())) return { kind: 'maven' };
    else wanting.push('no Maven');
  }
  throw new Error(
    `No Redis to develop with (${wanting.join(', ')}). ` +
      'Install Docker, redis-server or Maven, or set REDIS_URL=redis://host:port to use a Redis that runs already.',
  );
}

async function onPath(): Promise<boolean> {
  try {
    await run('redis-server', ['--version'], { env: process.env });
    return true;
  } catch {
    return false;
  }
}
