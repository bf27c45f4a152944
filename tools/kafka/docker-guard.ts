import { text } from 'node:stream/consumers';
import { removeResources } from './docker-resources.ts';

/**
 * A process of its own, started with the names of a network and its containers. It reads a pipe that only its parent
 * has open. If the parent ends without a word, for instance by SIGKILL, the pipe closes and the guard removes the
 * network and the containers. Any text on the pipe dismisses the guard.
 */
async function guard(): Promise<void> {
  const [network, ...containers] = process.argv.slice(2);
  if (network === undefined) throw new Error('usage: docker-guard.ts <network> <container…>');
  if ((await text(process.stdin)) === '') await removeResources({ network, containers });
}

void guard();
