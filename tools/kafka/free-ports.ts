import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the ephemeral range (32768 and up on Linux). Otherwise an outgoing connection could get the port of a broker
// that is down, and a client that reconnects to the broker could end up connected to itself.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Different ports on which nobody listens at this moment, at any address. */
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
