import { demoCommands } from '../../../tools/demo/commands';
import type { DemoCommand } from '../../../tools/demo/commands';
import { DemoLedger } from '../../../tools/demo/ledger';
import type { ArrivedResult } from '../../../tools/demo/ledger';
import { differences } from '../../../tools/demo/verify';

const COMMANDS = demoCommands(400, 'demo.');
const TAKEN = COMMANDS.filter(({ kind }) => kind.isTaken).length;
const DEAD = COMMANDS.filter(({ kind }) => !['accepted', 'expired'].includes(kind.outcome)).length;
const SANDBOX = { uniqueAccepted: TAKEN, duplicates: 0, orderViolations: 0, overlaps: 0 };

function resultOf(command: DemoCommand, index: number): ArrivedResult {
  const { topic, partition } = command.record;
  const source = { topic, partition, offset: String(index) };
  const { channel, kind, id } = command;
  return { atMs: 2_000, result: { channel, outcome: kind.outcome, commandId: kind.hasId ? id : null, source } };
}

function run(results: readonly ArrivedResult[], sandbox = SANDBOX, deadLetters = DEAD): string[] {
  const ledger = new DemoLedger();
  const half = results.length / 2;
  // A result may come before the broker's answer to the producer.
  results.slice(0, half).forEach((result) => ledger.arrived(result));
  COMMANDS.forEach((command, index) =>
    ledger.sent(command, { record: command.record, offset: BigInt(index), atMs: 1_000 }),
  );
  results.slice(half).forEach((result) => ledger.arrived(result));
  ledger.close();
  return differences(ledger, { sandbox, deadLetters });
}

describe('the check of the demo', () => {
  const good = COMMANDS.map(resultOf);

  it('passes if every command has exactly its expected result', () => {
    expect(run(good)).toEqual([]);
  });

  it.each([
    ['a missing result', good.slice(1), /^demo-valid-0 .*: no result/],
    ['a second result', [...good, ...good.slice(0, 1)], /^demo-valid-0 .*: 2 results/],
    [
      'another outcome',
      good.with(3, { ...resultOf(COMMANDS[3]!, 3), result: { ...good[3]!.result, outcome: 'failed' as const } }),
      /^demo-valid-3 .*: failed, accepted expected/,
    ],
    [
      'the id of another',
      good.with(3, { ...good[3]!, result: { ...good[3]!.result, commandId: 'x' } }),
      /the result names x/,
    ],
    [
      'a result of nothing',
      [...good, { ...good[0]!, result: { ...good[0]!.result, source: { topic: 't', partition: 0, offset: '9' } } }],
      /nothing was sent/,
    ],
  ])('is missed by %s', (_, results, difference) => {
    expect(run(results)).toEqual([expect.stringMatching(difference)]);
  });

  it.each(['duplicates', 'orderViolations', 'overlaps', 'uniqueAccepted'] as const)(
    'fails because of %s at the API',
    (count) => {
      expect(run(good, { ...SANDBOX, [count]: SANDBOX[count] + 1 })).toHaveLength(1);
    },
  );

  it('fails if a dead letter is missing', () => {
    expect(run(good, SANDBOX, DEAD - 1)).toEqual([`dead letters: ${DEAD - 1}, ${DEAD} expected`]);
  });
});
