import type { Report } from '../../sandbox/ledger.ts';
import type { Outcome } from '../../src/contract/outcome.ts';
import type { DemoLedger, Entry } from './ledger.ts';

/** What the sandbox and the dead-letter topic say, in addition to the results. */
export interface Witnesses {
  readonly sandbox: Pick<Report, 'uniqueAccepted' | 'duplicates' | 'orderViolations' | 'overlaps'>;
  readonly deadLetters: number;
}

const DEAD_LETTERED: ReadonlySet<Outcome> = new Set(['rejected', 'invalid', 'failed', 'in-doubt']);

/** One line for each fault; empty if every command ended as expected, once, and in order. */
export function differences(ledger: DemoLedger, { sandbox, deadLetters }: Witnesses): string[] {
  const entries = [...ledger.entries];
  const taken = entries.filter(({ command }) => command.kind.isTaken).length;
  const dead = entries.filter(({ command }) => DEAD_LETTERED.has(command.kind.outcome)).length;
  return [
    ...entries.flatMap(differencesOf),
    ...ledger.strangers.map(
      ({ result }) => `a result for ${result.source.topic} ${result.source.offset}, where nothing was sent`,
    ),
    ...unless('messages taken by the API', sandbox.uniqueAccepted, taken),
    ...unless('messages taken twice', sandbox.duplicates, 0),
    ...unless('messages out of order', sandbox.orderViolations, 0),
    ...unless('calls for a recipient who had one under way', sandbox.overlaps, 0),
    ...unless('dead letters', deadLetters, dead),
  ];
}

function differencesOf({ command, results }: Entry): string[] {
  const { id, kind, channel } = command;
  const what = `${id} (${channel})`;
  const [first] = results;
  if (first === undefined) return [`${what}: no result, ${kind.outcome} expected`];
  const commandId = kind.hasId ? id : null;
  return [
    ...(results.length === 1 ? [] : [`${what}: ${results.length} results`]),
    ...(first.result.outcome === kind.outcome ? [] : [`${what}: ${first.result.outcome}, ${kind.outcome} expected`]),
    ...(first.result.commandId === commandId ? [] : [`${what}: the result names ${first.result.commandId}`]),
    ...(first.result.channel === channel ? [] : [`${what}: the result is of ${first.result.channel}`]),
  ];
}

function unless(what: string, found: number, expected: number): string[] {
  return found === expected ? [] : [`${what}: ${found}, ${expected} expected`];
}
