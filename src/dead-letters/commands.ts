import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Argument, Command } from 'commander';
import type { RateLimit } from '../config/config';
import type { Topics } from '../contract/topics';
import { type DeadLetter, type Place, readDeadLetter, spellPlace } from './dead-letter';
import { type Filter, matches } from './filter';
import { addFilters, type FilterOptions, toFilter, toLimit, toPlace, toRate } from './options';
import type { DeadLetterRecords, Redriver } from './ports';
import { createProgress } from './progress';
import { redrive } from './redrive';
import { reportText } from './report';
import { Tally } from './tally';
import { countText, listText, showText, toExported, toListed } from './views';

/** What the commands work with. It exists only if the configuration is valid. */
export interface Session {
  readonly topics: Topics;
  readonly records: DeadLetterRecords;
  readonly redriver: Redriver;
}

export interface CommandDeps {
  /** @throws if the configuration is faulty. */
  readonly open: () => Promise<Session>;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

interface ContentOption {
  readonly showContent?: true;
}

interface RedriveOptions extends FilterOptions {
  readonly rate?: RateLimit;
  readonly limit?: number;
  readonly dryRun?: true;
}

const SHOW_CONTENT = ['--show-content', 'show what is redacted otherwise: texts, numbers, keys, headers'] as const;

/** `dead-letters` and its commands. They throw an Error that says what is wrong and what to do. */
export function deadLettersCommand(deps: CommandDeps): Command {
  const { stdout, signal } = deps;
  const print = (text: string): void => void stdout.write(`${text}\n`);
  const command = new Command('dead-letters').description('look at, export and redrive dead letters');

  addFilters(command.command('list').description('one line for each, the newest last'))
    .option('--json', 'one JSON object a line')
    .option(...SHOW_CONTENT)
    .action(async (options: FilterOptions & ContentOption & { readonly json?: true }) => {
      const found: { readonly atMs: number; readonly listed: ReturnType<typeof toListed> }[] = [];
      for await (const letter of lettersOf(await deps.open(), toFilter(options), signal)) {
        found.push({ atMs: letter.timestampMs, listed: toListed(letter, options.showContent === true) });
      }
      const listed = found.toSorted((a, b) => a.atMs - b.atMs).map((each) => each.listed);
      if (options.json !== true) print(listText(listed));
      else for (const each of listed) print(JSON.stringify(each));
    });

  addFilters(command.command('count').description('how many, by channel and outcome'))
    .option('--json', 'as a JSON object')
    .action(async (options: FilterOptions & { readonly json?: true }) => {
      const tally = new Tally();
      for await (const letter of lettersOf(await deps.open(), toFilter(options), signal)) tally.add(letter);
      print(options.json === true ? JSON.stringify({ total: tally.total, counts: tally.list() }) : countText(tally));
    });

  command
    .command('show')
    .description('everything about one letter: cause, origin and headers')
    .addArgument(new Argument('<partition/offset>', 'its place, as it is listed').argParser(toPlace))
    .option(...SHOW_CONTENT)
    .action(async (place: Place, { showContent }: ContentOption) => {
      print(showText(await letterAt(await deps.open(), place, signal), showContent === true));
    });

  addFilters(command.command('export').description('one JSON object a line (NDJSON), partition by partition'))
    .option('--output <file>', 'write to this file instead of the standard output')
    .option(...SHOW_CONTENT)
    .action(async (options: FilterOptions & ContentOption & { readonly output?: string }) => {
      const { output, showContent } = options;
      const letters = lettersOf(await deps.open(), toFilter(options), signal);
      const lines = async function* (): AsyncGenerator<string> {
        for await (const letter of letters) yield `${JSON.stringify(toExported(letter, showContent === true))}\n`;
      };
      if (output === undefined) await pipeline(lines, stdout, { end: false });
      else await pipeline(lines, createWriteStream(output, { mode: 0o600 }));
    });

  addFilters(command.command('redrive').description('send them again through their original topics, each at most once'))
    .option('--rate <rate>', 'letters per second, or a rate such as 20/min', toRate)
    .option('--limit <count>', 'redrive at most this many letters', toLimit)
    .option('--dry-run', 'only show what would be sent')
    .action((options: RedriveOptions) => runRedrive(options, deps));

  return command;
}

async function runRedrive(options: RedriveOptions, { open, stdout, stderr, signal }: CommandDeps): Promise<void> {
  const { rate = null, limit = null, dryRun: isDryRun = false, ...filter } = options;
  const progress = createProgress(stderr);
  const request = { filter: toFilter(filter), rate, limit, isDryRun };
  const report = await redrive(request, { ...(await open()), progress, signal });
  const text = reportText(report, isDryRun);
  switch (report.end) {
    case 'complete':
    case 'interrupted':
      stdout.write(`${text}\n`);
      return;
    case 'taken-over':
      throw new Error(text);
  }
}

async function* lettersOf(
  { topics, records }: Session,
  filter: Filter,
  signal: AbortSignal,
): AsyncGenerator<DeadLetter> {
  for await (const record of records.read(await records.bounds(signal), signal)) {
    const letter = readDeadLetter(record, topics);
    if (matches(letter, filter)) yield letter;
  }
}

async function letterAt({ topics, records }: Session, place: Place, signal: AbortSignal): Promise<DeadLetter> {
  const { partition, offset } = place;
  const bounds = (await records.bounds(signal)).find((each) => each.partition === partition);
  if (bounds !== undefined && offset >= bounds.first && offset < bounds.end) {
    for await (const record of records.read([{ partition, first: offset, end: offset + 1 }], signal)) {
      return readDeadLetter(record, topics);
    }
  }
  const held = bounds === undefined ? 'there is no such partition' : `offsets ${bounds.first} to ${bounds.end - 1}`;
  throw new Error(`there is no dead letter at ${spellPlace(place)} of ${topics.deadLetters} (${held})`);
}
