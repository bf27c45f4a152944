#!/usr/bin/env node
import 'reflect-metadata';
import { Command, CommanderError } from 'commander';
import { readKafkaConfig } from './config/read-kafka-config';
import { Topics } from './contract/topics';
import { deadLettersCommand, type Session } from './dead-letters/commands';
import { DeadLetterReader } from './kafka/operator/dead-letter-reader';
import { KafkaAway, withinDeadline } from './kafka/operator/deadline';
import { firstContact } from './kafka/start/first-contact';
import { createKafka } from './kafka/client/kafka-client';
import type { Log } from './observability/log';
import { TransactionalRedriver } from './kafka/operator/redriver';

const EXIT = { done: 0, fault: 1, usage: 2, interrupted: 130 } as const;

/** One line per variable that is missing or malformed. */
class BadConfiguration extends Error {}

/** The operator's commands. Results go to stdout, progress and faults to stderr. */
async function main(): Promise<number> {
  const interrupt = new AbortController();
  // Only the first Ctrl-C is caught: a second one ends the process at once.
  process.once('SIGINT', () => interrupt.abort());
  // A reader such as `head` may close stdout early. That ends the process.
  process.stdout.on('error', () => process.exit(EXIT.done));
  process.removeAllListeners('warning');

  let lastFault = '';
  const open = async (): Promise<Session> => {
    const read = readKafkaConfig(process.env);
    if (!read.ok) throw new BadConfiguration(read.faults.join('\n'));
    const note: Log = (level, message, { error }) => {
      if (level === 'error' || level === 'warn') lastFault = typeof error === 'string' ? error : message;
    };
    const contact = firstContact(read.config, note, interrupt.signal);
    const refusal = await withinDeadline(contact, 'its first answer', interrupt.signal);
    if (refusal !== null) throw new Error(refusal);
    const kafka = createKafka(read.config, note, () => undefined);
    const topics = new Topics(read.config.topicPrefix);
    const { deadLetters } = topics;
    return {
      topics,
      records: new DeadLetterReader(kafka, deadLetters),
      redriver: new TransactionalRedriver({ kafka, groupId: read.config.groupId, deadLetters }),
    };
  };
  const { stdout, stderr } = process;
  const program = new Command('messages-dispatcher')
    .description('Tools for the operators of messages-dispatcher. Settings are read from KAFKA_… and TOPIC_PREFIX.')
    .exitOverride()
    .addCommand(deadLettersCommand({ open, stdout, stderr, signal: interrupt.signal }));
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) command.exitOverride();

  try {
    await program.parseAsync();
    return interrupt.signal.aborted ? EXIT.interrupted : EXIT.done;
  } catch (error) {
    // Commander has printed the fault or the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (interrupt.signal.aborted) return EXIT.interrupted;
    stderr.write(`${describe(error, lastFault)}\n`);
    return error instanceof BadConfiguration ? EXIT.usage : EXIT.fault;
  }
}

function describe(error: unknown, lastFault: string): string {
  if (!(error instanceof Error)) return String(error);
  const isAway = error instanceof KafkaAway || error.cause instanceof KafkaAway;
  if (!isAway) return error.message;
  const heard = lastFault === '' ? '' : ` (last: ${lastFault})`;
  return `${error.message}${heard}. Check KAFKA_BROKERS, KAFKA_SSL… and KAFKA_SASL_…`;
}

void main().then((code) => {
  // kafkajs may still be retrying and would keep the process alive. The output is written before the exit.
  process.stdout.write('', () => process.exit(code));
});
