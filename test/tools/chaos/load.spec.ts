import { OPERATIONS, checkRequest } from '../../../sandbox/schemas';
import { LOADED_TOPICS, recordOf } from '../../../tools/chaos/load';

const records = Array.from({ length: 3_000 }, (_, n) => recordOf('p.', n, { 'commands.messenger': 'at-most-once' }));
const commands = records.map((record) => ({
  record,
  command: JSON.parse(String(record.value)) as Record<string, unknown>,
}));

describe('the load of the chaos suite', () => {
  it('has valid requests', () => {
    for (const { record, command } of commands) {
      const channel = LOADED_TOPICS.find(({ name }) => `p.${name}` === record.topic)?.channel ?? '';
      const target = OPERATIONS.get(`/v1/messages/${channel}/sendtext`);
      expect(target && checkRequest(target, command['request'])).toMatchObject({ workspace: 'w-1' });
    }
  });

  it('has each recipient on one partition of one topic, with rising numbers', () => {
    const byKey = Map.groupBy(commands, ({ record }) => record.key);
    expect(byKey.size).toBe(480);
    for (const of of byKey.values()) {
      expect(new Set(of.map(({ record: { topic, partition } }) => `${topic}/${partition}`)).size).toBe(1);
      const numbers = of.map(({ command }) => Number(/^chaos-(\d+)$/.exec(String(command['id']))?.[1]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it('fills every partition of every topic, and asks for a delivery on the right topics', () => {
    expect(new Set(records.map(({ topic, partition }) => `${topic}/${partition}`)).size).toBe(24);
    for (const { record, command } of commands) {
      expect(command['delivery']).toBe(record.topic === 'p.commands.messenger' ? 'at-most-once' : undefined);
    }
  });
});
