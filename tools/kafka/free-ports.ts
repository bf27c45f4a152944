import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the ephemeral range (32768 and up on Linux): while a broker is down, no outgoing connection can be given its port, and a client
// that reconnects to it cannot end up connected to itself.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Distinct ports that nobody listens on, at any address, at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
