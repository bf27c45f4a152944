import type { LoggerService } from '@nestjs/common';
import type { Level, Logger } from 'pino';

/**
 * Writes Nest's own lines through the root logger, with Nest's context as a field. Its ordinary lines (`log`) have
 * level debug: they describe the start of the application to developers.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  fatal(message: unknown, ...parameters: unknown[]): void {
    this.write('fatal', message, parameters);
  }

  error(message: unknown, ...parameters: unknown[]): void {
    this.write('error', message, parameters);
  }

  warn(message: unknown, ...parameters: unknown[]): void {
    this.write('warn', message, parameters);
  }

  log(message: unknown, ...parameters: unknown[]): void {
    this.write('debug', message, parameters);
  }

  debug(message: unknown, ...parameters: unknown[]): void {
    this.write('debug', message, parameters);
  }

  verbose(message: unknown, ...parameters: unknown[]): void {
    this.write('trace', message, parameters);
  }

  /** Nest passes the context last. With the message of an error, it passes the stack before the context. */
  private write(level: Level, message: unknown, parameters: readonly unknown[]): void {
    const texts = parameters.filter((parameter) => typeof parameter === 'string');
    const context = texts.at(-1);
    const stack = texts.length > 1 ? { stack: texts[0] } : {};
    if (message instanceof Error) this.logger[level]({ context, err: message }, message.message);
    else if (typeof message === 'string') this.logger[level]({ context, ...stack }, message);
    else this.logger[level]({ context, ...stack, detail: message }, 'Nest');
  }
}
