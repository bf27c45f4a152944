/** The benchmark: `npm run bench -- [workload …] [--json FILE] [--profile]`. Exits 1 if a target is missed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '../kafka/project-root.ts';
import { startKafka } from '../kafka/start-kafka.ts';
import { buildService } from '../lib/build-service.ts';
import { runTool } from '../lib/run-tool.ts';
import { parseArguments } from './arguments.ts';
import type { BenchArguments } from './arguments.ts';
import type { Bench } from './bench.ts';
import { summarizeProfiles } from './cpu-profile.ts';
import { isMet } from './figures.ts';
import type { Figure } from './figures.ts';
import { renderReport } from './report.ts';
import { warmBroker } from './warm-broker.ts';
import { WORKLOADS } from './workloads.ts';

const say = (line: string): void => console.error(line);

await runTool(async (signal) => {
  const args = parseArguments(process.argv.slice(2), [...WORKLOADS.keys()]);
  if (typeof args === 'string') {
    say(args);
    return 2;
  }
  const root = projectRoot(import.meta.dirname);
  await buildService(root, say, signal);
  const kafka = await startKafka({ root, fastStart: false, log: say, signal });
  try {
    const profiles = args.profile
      ? join(root, 'reports', 'profiles', new Date().toISOString().replaceAll(':', '-'))
      : null;
    const figures = await runAll({ root, brokers: kafka.brokers, signal, say, profiles }, args);
    console.log(`\nNode ${process.version}, ${cpus().length} cores for Kafka, sandbox, service and driver together\n`);
    console.log(renderReport(figures));
    if (args.json !== null) await writeJson(args.json, figures);
    return figures.every(isMet) ? 0 : 1;
  } finally {
    await kafka.stop();
  }
});

async function runAll(bench: Bench, { workloads }: BenchArguments): Promise<Figure[]> {
  const figures: Figure[] = [];
  say('the broker warms up …');
  await warmBroker(bench);
  for (const name of workloads) {
    const workload = WORKLOADS.get(name);
    if (workload === undefined) throw new RangeError(`no workload ${name}`);
    say(`${name} …`);
    figures.push(...(await workload(bench)));
    if (bench.profiles !== null) console.log(await summarizeProfiles(join(bench.profiles, name)));
  }
  return figures;
}

async function writeJson(file: string, figures: readonly Figure[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`);
}
