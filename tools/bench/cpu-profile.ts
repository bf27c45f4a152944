import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textTable } from '../lib/text-table.ts';

/** The used parts of V8's .cpuprofile format (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Node ids, one per sample. */
  readonly samples: readonly number[];
  /** Microseconds since the sample before, one for each sample. */
  readonly timeDeltas: readonly number[];
}

/** Time spent in a function itself, without the functions that it calls. */
export interface SelfTime {
  readonly name: string;
  /** Share of the time in which anything ran, 0 to 1. */
  readonly share: number;
  readonly ms: number;
}

const LISTED = 25;
const NOT_WORK = new Set(['(idle)', '(root)', '(program)']);

/** The functions with the most self time, the largest first. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const microseconds = new Map<string, number>();
  let total = 0;
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '(unknown)';
    if (NOT_WORK.has(name)) return;
    const delta = timeDeltas[index] ?? 0;
    total += delta;
    microseconds.set(name, (microseconds.get(name) ?? 0) + delta);
  });
  return [...microseconds]
    .sort(([, a], [, b]) => b - a)
    .map(([name, spent]) => ({ name, share: spent / total, ms: spent / 1000 }));
}

/** A table of the busiest functions for each profile in a folder, under the profile's path. */
export async function summarizeProfiles(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  const parts = files.map(async (name) => {
    const path = join(folder, name);
    const times = selfTimes(JSON.parse(await readFile(path, 'utf8')) as CpuProfile).slice(0, LISTED);
    const rows = times.map((time) => [`${(time.share * 100).toFixed(1)} %`, `${time.ms.toFixed(0)} ms`, time.name]);
    return `${path}\n${textTable(['self', 'time', 'function'], rows)}`;
  });
  return (await Promise.all(parts)).join('\n\n');
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.replace(/^.*\/(?=node_modules\/|dist\/)/, '').replace(/^file:\/\//, '');
  return `${name} ${file}:${lineNumber + 1}`;
}
