import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { readConfig } from './config/read-config';
import { CommandTransport } from './service/command-transport';
import { Lifecycle } from './service/lifecycle';
import { createLogger } from './observability/logger';
import { NestLogger } from './observability/nest-logger';

/** If something is still open so long after everything was closed, it is a leak. */
const OPEN_AFTER_DRAIN_MS = 1_000;

const EXIT = { drained: 0, fault: 1, badConfiguration: 2 } as const;

/** Reads the configuration, serves the probes, consumes until SIGTERM or SIGINT, drains, and exits. */
async function main(): Promise<void> {
  const read = readConfig(process.env);
  if (!read.ok) {
    process.stderr.write(`${read.faults.join('\n')}\n`);
    process.exit(EXIT.badConfiguration);
  }
  const { config } = read;
  const logger = createLogger(config.log);
  const exitWith = (error: unknown, message: string): never => {
    logger.fatal({ err: error }, message);
    process.exit(EXIT.fault);
  };
  // Node's own listener prints warnings as plain text.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => logger.warn({ err: warning }, 'warning of the runtime'));
  process.on('uncaughtException', (error) => exitWith(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => exitWith(error, 'unhandled rejection'));

  const app = await NestFactory.create(AppModule.forRoot(config, logger), {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  const transport = app.get(CommandTransport);
  app.connectMicroservice({ strategy: transport });

  const shutDown = async (reason: string, exitCode: number): Promise<void> => {
    logger.info({ reason }, 'draining');
    setTimeout(
      () => exitWith(undefined, 'the drain took too long; what is not settled will be read again'),
      config.shutdownTimeoutMs,
    ).unref();
    await transport.close();
    await app.close();
    logger.info('drained');
    // Everything is closed now, so the process ends by itself.
    process.exitCode = exitCode;
    setTimeout(() => {
      logger.error({ resources: process.getActiveResourcesInfo() }, 'drained, but something was left open');
      process.exit(exitCode);
    }, OPEN_AFTER_DRAIN_MS).unref();
  };
  let isShuttingDown = false;
  const shutDownOnce = (reason: string, exitCode: number): void => {
    if (isShuttingDown) return;
    isShuttingDown = true;
    void shutDown(reason, exitCode);
  };
  process.on('SIGTERM', () => shutDownOnce('SIGTERM', EXIT.drained));
  process.on('SIGINT', () => shutDownOnce('SIGINT', EXIT.drained));
  app.get(Lifecycle).whenDead((topic) => shutDownOnce(`the consumer of ${topic} is dead`, EXIT.fault));

  await app.listen(config.http.port);
  logger.info({ url: await app.getUrl() }, 'probes and metrics are served');
  try {
    await app.startAllMicroservices();
  } catch (error) {
    exitWith(error, 'the service cannot start');
  }
  logger.info('consuming');
}

void main();
