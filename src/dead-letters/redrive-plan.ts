import { HEADER, ownHeaders } from '../contract/headers';
import type { Publication } from '../settlement/publisher';
import { type DeadLetter, spellPlace } from './dead-letter';
import { type Filter, matches } from './filter';
import type { RedriveMarks } from './redrive-marks';

/** Why a dead letter is not redriven, in the order in which it is asked. */
const SKIPPED = [
  'filtered-out',
  'already-redriven',
  'batch',
  'truncated',
  'no-command-topic',
  'no-such-partition',
] as const;
export type Skipped = (typeof SKIPPED)[number];

/** What a redrive does with a dead letter. */
export type Judgement = { readonly kind: 'redrive'; readonly publication: Publication } | { readonly kind: Skipped };

/** The rules for judging dead letters. */
export interface RedriveRules {
  readonly filter: Filter;
  readonly marks: RedriveMarks;
  /** Number of partitions of each command topic that exists. */
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/** Judges one dead letter. A redriven command is its original record with one more header. */
export function judge(letter: DeadLetter, { filter, marks, partitionCounts }: RedriveRules): Judgement {
  if (!matches(letter, filter)) return { kind: 'filtered-out' };
  if (marks.has(letter.place)) return { kind: 'already-redriven' };
  if (letter.batch !== null) return { kind: 'batch' };
  if (letter.isTruncated) return { kind: 'truncated' };
  const { topic, partition } = letter.origin;
  if (topic === null || letter.channel === null) return { kind: 'no-command-topic' };
  if (partition === null || partition >= (partitionCounts.get(topic) ?? 0)) return { kind: 'no-such-partition' };
  const { key, value, headers } = letter.record;
  return {
    kind: 'redrive',
    publication: {
      topic,
      partition,
      key: bytesOf(key),
      value: bytesOf(value),
      headers: { ...ownHeaders(headers), [HEADER.redrive]: tokenOf(letter) },
    },
  };
}

/**
 * Names the command rather than the dead letter. After a crash a command may have two dead letters: the service sends
 * only the first one that is redriven. A command that fails again is a new record, so its token is new too.
 */
function tokenOf({ place, origin: { topic, partition, offset } }: DeadLetter): string {
  return offset === null ? spellPlace(place) : `${topic}/${partition}/${offset}`;
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'latin1');
}
