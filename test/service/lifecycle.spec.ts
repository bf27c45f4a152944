import { Halts } from '../../src/kafka/partitions/halts';
import { Lifecycle } from '../../src/service/lifecycle';

type Deps = ConstructorParameters<typeof Lifecycle>;

/** A lifecycle, and the order in which it calls its parts. */
function open(untilOpen: Promise<boolean> = Promise.resolve(true)): { lifecycle: Lifecycle; said: string[] } {
  const said: string[] = [];
  const note = (what: string) => (): Promise<void> => {
    said.push(what);
    return Promise.resolve();
  };
  const connections = {
    open: (_onKeysChanged: unknown, signal: AbortSignal): Promise<boolean> => {
      said.push('open');
      const aborted = new Promise<boolean>((resolve) => signal.addEventListener('abort', () => resolve(false)));
      return Promise.race([untilOpen, aborted]);
    },
    close: note('close'),
  };
  const checks = { replacePredecessor: note('replace the predecessor') };
  const consumers = {
    groupIds: [],
    haveAllJoined: true,
    start: () => void said.push('consume'),
    stop: note('commit and leave'),
  };
  const flow = { drain: note('settle'), keysChanged: () => undefined };
  const halts = new Halts();
  halts.watch((isHalted) => void said.push(isHalted ? 'halt' : 'go on'));
  const parts = [connections, checks, consumers, flow, halts] as unknown as Deps;
  return { lifecycle: new Lifecycle(...parts), said };
}

describe('the lifecycle of the service', () => {
  it('starts and drains in order, each only once, even if it is asked twice', async () => {
    const { lifecycle, said } = open();
    await Promise.all([lifecycle.start(), lifecycle.start()]);
    expect(said).toEqual(['open', 'replace the predecessor', 'consume']);
    expect([lifecycle.isStarted, lifecycle.isDraining]).toEqual([true, false]);
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(said.slice(3)).toEqual(['halt', 'settle', 'commit and leave', 'close']);
    expect(lifecycle.isDraining).toBe(true);
  });

  it('may be stopped while it still waits for Kafka, and then starts no consumers', async () => {
    const { lifecycle, said } = open(new Promise(() => undefined));
    const starting = lifecycle.start();
    await lifecycle.stop();
    await starting;
    expect(said).not.toContain('consume');
    expect(said.at(-1)).toBe('close');
    expect(lifecycle.isStarted).toBe(false);
  });

  it('may be stopped before it was started', async () => {
    const { lifecycle, said } = open();
    await lifecycle.stop();
    expect(said).toEqual(['halt', 'settle', 'commit and leave', 'close']);
  });
});
