import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** True if a Docker engine answers; a client program is not enough. Takes about 1 ms if there is no engine. */
export async function dockerAvailable(timeoutMs = 500): Promise<boolean> {
  for (const target of engineAddresses()) {
    if (await answersPing(target, timeoutMs)) return true;
  }
  return false;
}

function engineAddresses(): string[] {
  const host = process.env['DOCKER_HOST'];
  if (host) return [host];
  const runtimeDir = process.env['XDG_RUNTIME_DIR'];
  return [
    'unix:///var/run/docker.sock',
    ...(runtimeDir ? [`unix://${join(runtimeDir, 'docker.sock')}`] : []),
    `unix://${join(homedir(), '.docker/run/docker.sock')}`,
    `unix://${join(homedir(), '.docker/desktop/docker.sock')}`,
  ];
}

function connectOptions(target: string): { path: string } | { host: string; port: number } | undefined {
  if (target.startsWith('unix://')) {
    const path = target.slice('unix://'.length);
    return existsSync(path) ? { path } : undefined;
  }
  const url = URL.parse(target.replace(/^tcp:/, 'http:'));
  return url?.hostname ? { host: url.hostname, port: Number(url.port || 2375) } : undefined;
}

function answersPing(target: string, timeoutMs: number): Promise<boolean> {
  const options = connectOptions(target);
  if (options === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(options);
    const done = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.write('GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n'));
    socket.once('data', (bytes) => done(/^HTTP\/1\.[01] 200/.test(bytes.toString('latin1'))));
  });
}
