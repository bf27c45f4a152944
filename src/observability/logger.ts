import {
  destination as openDestination,
  type DestinationStream,
  type Logger,
  type LoggerOptions,
  pino,
  stdTimeFunctions,
} from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Config } from '../config/config';
import { safeFields, safeValue } from './safe-fields';

/** The `service` field of every line. */
const SERVICE = 'messages-dispatcher';

/**
 * The root logger. It writes to stdout by default, and synchronously, so that the last line before an exit is not lost.
 * Fields pass through {@link safeFields}. Messages are written unchanged.
 */
export function createLogger(
  { level, format }: Config['log'],
  destination: DestinationStream = openDestination(1),
): Logger {
  const options: LoggerOptions = {
    level,
    base: { service: SERVICE },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: safeFields },
    serializers: { err: safeValue, error: safeValue },
    hooks: {
      logMethod(args, method) {
        const [first, ...rest] = args;
        const texts = rest.map((argument) => (typeof argument === 'object' ? safeValue(argument) : argument));
        method.apply(this, [first, ...texts] as typeof args);
      },
    },
  };
  switch (format) {
    case 'json':
      return pino(options, destination);
    case 'pretty':
      return pino(options, prettyInto(destination));
  }
}

/** Formats line by line: pino-pretty's stream could still hold the last lines when the process exits. */
function prettyInto(destination: DestinationStream): DestinationStream {
  const prettify = prettyFactory({ ignore: 'service' });
  return { write: (line) => destination.write(prettify(line)) };
}
