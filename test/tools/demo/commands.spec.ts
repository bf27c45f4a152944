import { OPERATIONS, checkRequest } from '../../../sandbox/schemas';
import { decodeCommand } from '../../../src/contract/decode';
import { demoCommands } from '../../../tools/demo/commands';
import { SPECIAL_KINDS } from '../../../tools/demo/kinds';

describe('the commands of the demo', () => {
  const commands = demoCommands(2_000, 'demo.');
  const decoded = commands.map((command) => {
    const { value } = command.record;
    return { command, result: decodeCommand(value === null ? null : Buffer.from(value), command.channel) };
  });

  it('have every kind several times', () => {
    for (const kind of SPECIAL_KINDS) {
      expect(commands.filter((command) => command.kind === kind).length).toBeGreaterThan(3);
    }
  });

  it('use all nine operations and both lanes of all channels', () => {
    const operations = decoded.flatMap(({ result }) => (result.ok ? [result.command.operation.path] : []));
    expect([...new Set(operations)].sort()).toEqual([...OPERATIONS.keys()].sort());
    expect(new Set(commands.map(({ record }) => record.topic)).size).toBe(8);
  });

  it('are invalid exactly if that is expected, and have their id if it is readable', () => {
    for (const { command, result } of decoded) {
      expect([command.kind.name, result.ok]).toEqual([command.kind.name, command.kind.outcome !== 'invalid']);
      expect(result.ok ? result.command.id : result.invalid.id).toBe(command.kind.hasId ? command.id : null);
    }
  });

  it('are accepted by the API if they are valid', () => {
    for (const { result } of decoded) {
      if (!result.ok) continue;
      const target = OPERATIONS.get(result.command.operation.path);
      expect(target && checkRequest(target, JSON.parse(result.command.body))).toHaveProperty('recipient');
    }
  });

  it('keep each recipient to one partition of one topic, since order is kept there', () => {
    const places = Map.groupBy(commands, ({ channel, record }) => `${channel} ${record.key}`);
    for (const ofRecipient of places.values()) {
      expect(new Set(ofRecipient.map(({ record }) => `${record.topic} ${record.partition}`)).size).toBe(1);
    }
  });

  it('have recipients of their own if they fail for long', () => {
    const isFailing = ({ kind }: (typeof commands)[number]): boolean => kind.outcome === 'failed';
    const unlucky = new Set(commands.filter(isFailing).map(({ record }) => record.key));
    expect(commands.filter((command) => !isFailing(command) && unlucky.has(command.record.key))).toEqual([]);
  });
});
