import type { Channel, Lane } from '../contract/channels';
import type { Outcome } from '../contract/outcome';
import { type DeadLetter, type Origin, spellPlace } from './dead-letter';
import { headerTexts, REDACTED, redactError, redactHeader } from './redaction';
import type { Tally } from './tally';
import { printable, table } from './text';

/** A dead letter in a list, in the form of its JSON. */
export interface ListedLetter {
  readonly place: string;
  /** When it was written: ISO 8601, UTC. */
  readonly time: string;
  readonly channel: Channel | null;
  readonly outcome: Outcome | null;
  readonly attempts: number | null;
  readonly commandId: string | null;
  readonly workspaceId: string | null;
  readonly error: string;
}

/** An exported dead letter. Key, value and values of headers are present only if content is shown. */
export interface ExportedLetter extends ListedLetter {
  readonly lane: Lane | null;
  readonly campaign: string | null;
  readonly truncated: boolean;
  /** Offsets of a batch of records that could not be read; null for a command. */
  readonly batch: string | null;
  readonly original: Omit<Origin, 'timestampMs'> & { readonly time: string | null };
  /** Pairs, since a name may occur several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly keyBytes: number | null;
  readonly valueBytes: number | null;
  /** Base64; null if the record has none. */
  readonly key?: string | null;
  readonly value?: string | null;
}

const LISTED_ERROR_LENGTH = 80;
const LIST_HEAD = ['PLACE', 'TIME', 'CHANNEL', 'OUTCOME', 'ATTEMPTS', 'COMMAND', 'WORKSPACE', 'ERROR'];
/** Printed if there is no value. */
const NONE = '-';

export function toListed(letter: DeadLetter, showContent: boolean): ListedLetter {
  const { place, timestampMs, channel, outcome, attempts, commandId, workspaceId, error } = letter;
  return {
    place: spellPlace(place),
    time: isoTime(timestampMs) ?? NONE,
    channel,
    outcome,
    attempts,
    commandId,
    workspaceId,
    error: showContent ? error : redactError(letter),
  };
}

export function toExported(letter: DeadLetter, showContent: boolean): ExportedLetter {
  const { lane, campaign, isTruncated, batch, origin, record } = letter;
  const { timestampMs, ...original } = origin;
  return {
    ...toListed(letter, showContent),
    lane,
    campaign,
    truncated: isTruncated,
    batch,
    original: { ...original, time: timestampMs === null ? null : isoTime(timestampMs) },
    headers: shownHeaders(letter, showContent),
    keyBytes: record.key?.length ?? null,
    valueBytes: record.value?.length ?? null,
    ...(showContent && { key: base64Of(record.key), value: base64Of(record.value) }),
  };
}

/** One line for each letter, under a head. */
export function listText(letters: readonly ListedLetter[]): string {
  const rows = letters.map(({ place, time, channel, outcome, attempts, commandId, workspaceId, error }) =>
    [place, time, channel, outcome, attempts?.toString(), commandId, workspaceId, cut(error)].map(cell),
  );
  return table(LIST_HEAD, rows);
}

/** Everything about one letter, for people. */
export function showText(letter: DeadLetter, showContent: boolean): string {
  const { record, origin, campaign, lane, isTruncated, batch } = letter;
  const { place, time, channel, outcome, attempts, commandId, workspaceId, error } = toListed(letter, showContent);
  const originTime = origin.timestampMs === null ? null : isoTime(origin.timestampMs);
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['place', place],
    ['written', time],
    ['outcome', outcome],
    ['error', error],
    ['attempts', attempts?.toString()],
    ['command', commandId],
    ['workspace', workspaceId],
    ['campaign', campaign],
    ['channel', channel],
    ['lane', lane],
    ['original', `${origin.topic ?? NONE}/${origin.partition ?? NONE}/${origin.offset ?? NONE}`],
    ['original time', originTime],
    ['truncated', isTruncated ? 'yes: the value and headers were too large, and this cannot be redriven' : 'no'],
    ['batch', batch === null ? 'no' : `yes: offsets ${batch} could not be read, and this cannot be redriven`],
    ['key', contentText(record.key, showContent)],
    ['value', contentText(record.value, showContent)],
  ];
  const headers = shownHeaders(letter, showContent).map(([name, value]) => `  ${printable(name)}: ${printable(value)}`);
  return [...facts.map(([name, value]) => `${name.padEnd(14)}${cell(value)}`), 'headers', ...headers].join('\n');
}

/** The counts by channel and outcome, the largest first, and their sum. */
export function countText(tally: Tally): string {
  const rows = tally.list().map(({ channel, outcome, count }) => [cell(channel), cell(outcome), String(count)]);
  return table(['CHANNEL', 'OUTCOME', 'COUNT'], [...rows, ['total', '', String(tally.total)]]);
}

function shownHeaders(letter: DeadLetter, showContent: boolean): readonly (readonly [string, string])[] {
  return headerTexts(letter.record.headers).map(([name, value]) => [
    name,
    showContent ? value : redactHeader(name, value, letter),
  ]);
}

function contentText(bytes: string | null, showContent: boolean): string {
  if (bytes === null) return 'none';
  if (!showContent) return `${REDACTED} ${bytes.length} bytes`;
  return Buffer.from(bytes, 'latin1').toString();
}

function base64Of(bytes: string | null): string | null {
  return bytes === null ? null : Buffer.from(bytes, 'latin1').toString('base64');
}

function cell(value: string | null | undefined): string {
  return value === null || value === undefined || value === '' ? NONE : printable(value);
}

function cut(error: string): string {
  return error.length <= LISTED_ERROR_LENGTH ? error : `${error.slice(0, LISTED_ERROR_LENGTH - 1)}…`;
}

/** Null if the time is beyond JavaScript's dates. */
function isoTime(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
