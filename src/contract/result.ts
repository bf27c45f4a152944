import type { Channel, MessageType } from './channels';
import type { Command, InvalidCommand } from './command';
import type { Result, Settled, Source } from './outcome';

/** Longest `error` of results and dead letters, in UTF-16 units. */
export const MAX_ERROR_LENGTH = 2_000;

/** The parts of a result. */
export interface Completion {
  readonly command: Command | InvalidCommand;
  readonly channel: Channel;
  readonly settled: Settled;
  /** Where the command was first read, even if it came back from a retry topic. */
  readonly source: Source;
  /** Milliseconds since the epoch. */
  readonly completedAtMs: number;
  readonly isReplay: boolean;
}

/** How an invalid command ends: without a call, and with its violations as the error. */
export function settledAsInvalid(invalid: InvalidCommand): Settled {
  const response = { id: '', status: '', error: invalid.violations.join('; ') };
  return { outcome: 'invalid', response, attempts: 0, httpStatus: null };
}

/** Builds the result of a command. `error` is cut to the length that the contract permits. */
export function buildResult({ command, channel, settled, source, completedAtMs, isReplay }: Completion): Result {
  const { outcome, response, attempts, httpStatus } = settled;
  return {
    commandId: command.id,
    outcome,
    id: response.id,
    status: response.status,
    error: cutError(response.error),
    channel,
    type: typeOf(command),
    workspaceId: command.workspaceId,
    attempts,
    httpStatus,
    completedAt: new Date(completedAtMs).toISOString(),
    source,
    ...(isReplay && { replayed: true as const }),
  };
}

/** The type of a command; null if it could not be read. */
export function typeOf(command: Command | InvalidCommand): MessageType | null {
  return 'operation' in command ? command.operation.type : command.type;
}

/** The value of a record on the results topic. */
export function encodeResult(result: Result): string {
  return JSON.stringify(result);
}

/** Cuts an error at 2,000 UTF-16 units. */
export function cutError(error: string): string {
  return cutText(error, MAX_ERROR_LENGTH);
}

/** Cuts a text at so many UTF-16 units, one earlier if that would split a surrogate pair. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const isPairSplit = (text.codePointAt(maxLength - 1) ?? 0) > 0xffff;
  return text.slice(0, isPairSplit ? maxLength - 1 : maxLength);
}
