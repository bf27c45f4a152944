import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { constants } from 'node:os';
import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import { TestEnvironment } from 'jest-environment-node';
import { until } from './deadline.ts';

/** Options that `jest.config.cjs` sets. */
interface Options {
  readonly mayStartProcesses: boolean;
}

// Node opens these when they are first written to, for instance by a warning, and never closes them: a spec would seem to
// have left a handle open.
for (const name of ['stdout', 'stderr']) Reflect.get(process, name);

/** All processes that this process has started and that have not ended. */
const children = new Set<ChildProcess>();
let startedCount = 0;

subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess };
  startedCount += 1;
  children.add(child);
  // Only while a child runs: this listener alone would keep a worker of Jest alive.
  if (children.size === 1) process.on('disconnect', killChildren);
  const ended = (): void => {
    children.delete(child);
    if (children.size === 0) process.off('disconnect', killChildren);
  };
  for (const end of ['exit', 'error']) child.once(end, ended);
});

// Ctrl-C ends a worker of Jest at once, and so does the end of Jest itself. Services lead their own process groups, so
// neither reaches them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    killChildren();
    process.exit(128 + constants.signals[signal]);
  });
}

/**
 * Jest's environment for Node, but a spec fails if it leaves a handle open; Jest itself only warns. A unit spec also
 * fails if it starts a process.
 */
export default class StrictEnvironment extends TestEnvironment {
  readonly #mayStartProcesses: boolean;
  readonly #openBefore = openResources();
  readonly #startedBefore = startedCount;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    this.#mayStartProcesses = (config.projectConfig.testEnvironmentOptions as unknown as Options).mayStartProcesses;
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    const started = startedCount - this.#startedBefore;
    if (started > 0 && !this.#mayStartProcesses) throw new Error(`a unit spec has started ${started} processes`);
    let left: string[] = [];
    await until(() => {
      left = leftOf(openResources(), this.#openBefore);
      return left.length === 0;
    }, 'the spec closes what it opened').catch(() => {
      const names = [...children].map(({ spawnfile, pid }) => `${spawnfile} (${pid})`);
      throw new Error(`the spec leaves open: ${[...left, ...names].join(', ')}`);
    });
  }
}

/** The handles that keep this process alive, by kind. */
function openResources(): string[] {
  return process.getActiveResourcesInfo();
}

function leftOf(now: readonly string[], before: readonly string[]): string[] {
  const left = [...now];
  for (const kind of before) {
    const at = left.indexOf(kind);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

function killChildren(): void {
  for (const { pid } of children) {
    // First the group, if the child leads one.
    for (const target of pid === undefined ? [] : [-pid, pid]) {
      try {
        process.kill(target, 'SIGKILL');
        break;
      } catch {
        // There is no such group or process.
      }
    }
  }
}
