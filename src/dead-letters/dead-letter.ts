import { CHANNELS, type Channel, type Lane } from '../contract/channels';
import { isCommandId } from '../contract/envelope';
import { HEADER, type Headers, ownHeaders } from '../contract/headers';
import { isRecord, parseObject } from '../contract/json';
import { OUTCOMES, type Outcome } from '../contract/outcome';
import type { IncomingRecord } from '../contract/record';
import type { Topics } from '../contract/topics';

/** In this header producers name the campaign of a command. */
export const CAMPAIGN_HEADER = 'campaign';

/** The partition and offset of a dead letter. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** Where the command was first read. A part is null if its header is missing or malformed. */
export interface Origin {
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: string | null;
  readonly timestampMs: number | null;
}

/**
 * A record of the dead-letter topic, for operators. A part that cannot be read is null: any producer may write there.
 */
export interface DeadLetter {
  readonly place: Place;
  /** When it was written, in milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly outcome: Outcome | null;
  readonly error: string;
  readonly attempts: number | null;
  /** Whether the command was too large, so that its value and headers are lost. */
  readonly isTruncated: boolean;
  /** `<first>-<last>` for a batch of records that could not be read; null for a command. */
  readonly batch: string | null;
  readonly origin: Origin;
  readonly channel: Channel | null;
  readonly lane: Lane | null;
  readonly commandId: string | null;
  readonly workspaceId: string | null;
  readonly campaign: string | null;
  readonly record: IncomingRecord;
}

/** Writes a place as `<partition>/<offset>`, for the commands and for the header `redrive`. */
export function spellPlace({ partition, offset }: Place): string {
  return `${partition}/${offset}`;
}

/** Reads `<partition>/<offset>`; null for any other text. */
export function parsePlace(text: string): Place | null {
  const match = /^(\d{1,10})\/(\d{1,16})$/.exec(text);
  const place = { partition: Number(match?.[1]), offset: Number(match?.[2]) };
  return match !== null && Number.isSafeInteger(place.offset) ? place : null;
}

/** Reads a record of the dead-letter topic. Never throws, whatever the record is. */
export function readDeadLetter(record: IncomingRecord, topics: Topics): DeadLetter {
  const { headers, value, partition, offset, timestampMs } = record;
  const origin = originOf(headers);
  const commandTopic = topics.commands(CHANNELS).find(({ topic }) => topic === origin.topic);
  const outcome = textOf(headers, HEADER.outcome);
  return {
    place: { partition, offset },
    timestampMs,
    outcome: OUTCOMES.find((each) => each === outcome) ?? null,
    error: textOf(headers, HEADER.error) ?? '',
    attempts: numberOf(headers, HEADER.attempts),
    isTruncated: textOf(headers, HEADER.truncated) === 'true',
    batch: textOf(headers, HEADER.batch),
    origin,
    channel: commandTopic?.channel ?? null,
    lane: commandTopic?.lane ?? null,
    ...identityOf(value),
    campaign: textOf(ownHeaders(headers), CAMPAIGN_HEADER),
    record,
  };
}

function originOf(headers: Headers): Origin {
  const offset = textOf(headers, HEADER.originalOffset);
  return {
    topic: textOf(headers, HEADER.originalTopic),
    partition: numberOf(headers, HEADER.originalPartition),
    offset: offset !== null && /^\d+$/.test(offset) ? offset : null,
    timestampMs: timestampOf(headers),
  };
}

/** Both ids come from the command itself, not from headers, even if the command is invalid. */
function identityOf(value: string | null): Pick<DeadLetter, 'commandId' | 'workspaceId'> {
  const parsed = parseObject(value === null ? null : Buffer.from(value, 'latin1'));
  if (!parsed.ok) return { commandId: null, workspaceId: null };
  const { id, request } = parsed.document;
  const workspace = isRecord(request) ? request['workspace'] : null;
  const workspaceId = isRecord(workspace) ? workspace['id'] : null;
  return {
    commandId: isCommandId(id) ? id : null,
    workspaceId: typeof workspaceId === 'string' && workspaceId !== '' ? workspaceId : null,
  };
}

/** The last value of a header, as Kafka's own clients read one. */
function textOf(headers: Headers, name: string): string | null {
  const header = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return (Array.isArray(header) ? header.at(-1) : header)?.toString() ?? null;
}

/** Null for -1 too, which is no time. */
function timestampOf(headers: Headers): number | null {
  const text = textOf(headers, HEADER.originalTimestamp);
  return text !== null && /^\d{1,19}$/.test(text) ? Number(text) : null;
}

function numberOf(headers: Headers, name: string): number | null {
  const text = textOf(headers, name);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
