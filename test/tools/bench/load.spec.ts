import { OPERATIONS, checkRequest } from '../../../sandbox/schemas';
import { HOT_NUMBER, LOAD_OPERATION, commandOf, recordOf } from '../../../tools/bench/load';
import { keyOf } from '../../../tools/lib/operations';

describe('a load', () => {
  const load = { name: 'W', count: 2_000, recipients: 1_400, hotShare: 0.3 };
  const commands = Array.from({ length: load.count }, (_, n) => commandOf(load, n));

  it('sends its hot share to one recipient, evenly spread', () => {
    const hot = commands.map(({ recipient }) => keyOf(recipient) === HOT_NUMBER);
    expect(hot.filter(Boolean)).toHaveLength(600);
    expect(hot.slice(0, 200).filter(Boolean)).toHaveLength(60);
  });

  it('has valid bodies, the same in the record as on the wire', () => {
    const target = OPERATIONS.get(LOAD_OPERATION.path);
    for (const command of commands.slice(0, 20)) {
      const { request, id } = JSON.parse(String(recordOf(command, 't').value)) as { request: unknown; id: string };
      expect(JSON.stringify(request)).toBe(command.body);
      expect(id).toBe(command.id);
      expect(target && checkRequest(target, request)).toMatchObject({ workspace: 'w-1' });
    }
  });

  it('has ids that end in a rising number and are no UUIDs', () => {
    expect(commands.slice(0, 3).map(({ id }) => /-(\d+)$/.exec(id)?.[1])).toEqual(['0', '1', '2']);
    expect(new Set(commands.map(({ id }) => id)).size).toBe(load.count);
  });
});
