import type { Logger } from 'pino';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Writes one line of the log. No message or field holds content of a command, an API key or a password. */
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

/** A {@link Log} that writes through this logger. */
export function logThrough(logger: Logger): Log {
  return (level, message, fields) => logger[level](fields, message);
}
