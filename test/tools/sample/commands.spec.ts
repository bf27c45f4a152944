import { decodeCommand } from '../../../src/contract/decode';
import { OPERATIONS } from '../../../src/contract/operations';
import { sampleCommands } from '../../../tools/sample/commands.ts';

describe('the sample commands', () => {
  it('are one valid command per operation', () => {
    const decoded = sampleCommands('run').map(({ channel, value }) => {
      const row = OPERATIONS.find((operation) => operation.channel === channel);
      if (row === undefined) throw new Error(`no channel ${channel}`);
      return decodeCommand(Buffer.from(JSON.stringify(value)), row.channel);
    });
    expect(decoded.map((result) => (result.ok ? result.command.operation : result.invalid.violations))).toEqual(
      OPERATIONS,
    );
  });

  it('have ids that no other run has', () => {
    const ids = [...sampleCommands('one'), ...sampleCommands('two')].map(({ value }) => value.id);
    expect(new Set(ids).size).toBe(2 * OPERATIONS.length);
  });
});
