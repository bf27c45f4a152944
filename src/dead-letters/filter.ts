import type { Channel } from '../contract/channels';
import type { Outcome } from '../contract/outcome';
import type { DeadLetter } from './dead-letter';

/** Which dead letters are meant: those that meet all that is given. */
export interface Filter {
  readonly channels?: readonly Channel[];
  readonly outcomes?: readonly Outcome[];
  /** Contained in the error, in capitals or not. */
  readonly error?: string;
  /** Written at this instant or later, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Written before this instant. */
  readonly untilMs?: number;
  readonly workspace?: string;
  readonly campaign?: string;
  readonly commandId?: string;
}

/** Whether a dead letter meets everything that a filter asks for. What cannot be made out of a letter meets nothing. */
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
