import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseRateLimit, RATE_LIMIT_GRAMMAR } from '../config/rate-limit';
import type { RateLimit } from '../config/config';
import { CHANNELS } from '../contract/channels';
import { DEAD_LETTERED, OUTCOMES } from '../contract/outcome';
import { parsePlace, type Place } from './dead-letter';
import type { Filter } from './filter';
import { MOMENT_GRAMMAR, parseMoment } from './moment';

const WRITTEN_OUTCOMES = OUTCOMES.filter((outcome) => DEAD_LETTERED[outcome]);

/** The options of a command that has filters. */
export interface FilterOptions {
  readonly channel?: Filter['channels'];
  readonly outcome?: Filter['outcomes'];
  readonly error?: string;
  readonly since?: number;
  readonly until?: number;
  readonly workspace?: string;
  readonly campaign?: string;
  readonly commandId?: string;
}

/** Adds the filters to a command. */
export function addFilters(command: Command): Command {
  const nowMs = Date.now();
  const moment = (text: string): number => parsed(parseMoment(text, nowMs), MOMENT_GRAMMAR);
  return command
    .addOption(
      new Option('--channel <names>', `only of these, repeatable or comma-separated: ${CHANNELS.join(', ')}`).argParser(
        listOf(CHANNELS),
      ),
    )
    .addOption(
      new Option(
        '--outcome <names>',
        `only of these, repeatable or comma-separated: ${WRITTEN_OUTCOMES.join(', ')}`,
      ).argParser(listOf(WRITTEN_OUTCOMES)),
    )
    .option('--error <text>', 'only with this text in the error, in capitals or not')
    .option('--since <moment>', `only written at this moment or later: ${MOMENT_GRAMMAR}`, moment)
    .option('--until <moment>', 'only written before this moment, likewise', moment)
    .option('--workspace <id>', 'only of this workspace')
    .option('--campaign <name>', 'only with this campaign header')
    .option('--command-id <id>', 'only of this command');
}

export function toFilter({ channel, outcome, since, until, ...same }: FilterOptions): Filter {
  return {
    ...same,
    ...(channel !== undefined && { channels: channel }),
    ...(outcome !== undefined && { outcomes: outcome }),
    ...(since !== undefined && { sinceMs: since }),
    ...(until !== undefined && { untilMs: until }),
  };
}

export function toPlace(text: string): Place {
  return parsed(parsePlace(text), 'a place as it is listed, such as 0/12: <partition>/<offset>');
}

/** Reads a rate as the settings do. A plain number is letters per second. */
export function toRate(text: string): RateLimit {
  return parsed(
    parseRateLimit(/^\d+$/.test(text) ? `${text}/s` : text),
    `a number of letters per second, or ${RATE_LIMIT_GRAMMAR}`,
  );
}

export function toLimit(text: string): number {
  return parsed(/^[1-9]\d{0,14}$/.test(text) ? Number(text) : null, 'a whole number from 1');
}

function listOf<T extends string>(values: readonly T[]): (text: string, earlier: readonly T[] | undefined) => T[] {
  return (text, earlier) => {
    const items = text.split(',').map((item) => item.trim());
    const known = items.map((item) => parsed(values.find((value) => value === item) ?? null, values.join(', ')));
    return [...(earlier ?? []), ...known];
  };
}

function parsed<T>(value: T | null, mustBe: string): T {
  if (value === null) throw new InvalidArgumentError(`It must be ${mustBe}.`);
  return value;
}
