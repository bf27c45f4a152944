import type { Channel } from '../contract/channels';
import type { Outcome } from '../contract/outcome';
import type { DeadLetter } from './dead-letter';

/** Selects dead letters: those that meet all given conditions. */
export interface Filter {
  readonly channels?: readonly Channel[];
  readonly outcomes?: readonly Outcome[];
  /** Contained in the error, in upper or lower case. */
  readonly error?: string;
  /** Written at this time or later, in milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Written before this time, in milliseconds since the epoch. */
  readonly untilMs?: number;
  readonly workspace?: string;
  readonly campaign?: string;
  readonly commandId?: string;
}

/** Whether a dead letter meets all conditions of a filter. A part that could not be read meets no condition. */
export function matches(letter: DeadLetter, filter: Filter): boolean {
  const { channels, outcomes, error, sinceMs = -Infinity, untilMs = Infinity } = filter;
  return (
    isOneOf(letter.channel, channels) &&
    isOneOf(letter.outcome, outcomes) &&
    (error === undefined || letter.error.toLowerCase().includes(error.toLowerCase())) &&
    letter.timestampMs >= sinceMs &&
    letter.timestampMs < untilMs &&
    isWanted(letter.workspaceId, filter.workspace) &&
    isWanted(letter.campaign, filter.campaign) &&
    isWanted(letter.commandId, filter.commandId)
  );
}

function isOneOf<T>(value: T | null, wanted: readonly T[] | undefined): boolean {
  return wanted === undefined || (value !== null && wanted.includes(value));
}

function isWanted(value: string | null, wanted: string | undefined): boolean {
  return wanted === undefined || value === wanted;
}
