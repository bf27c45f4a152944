import fc from 'fast-check';
import { CHANNELS } from '../../src/contract/channels';
import { commandKey } from '../../src/contract/command-key';

const id = fc.string({ unit: fc.constantFrom(':', '1', '2', 'c', 'w'), maxLength: 6 });
const command = fc.tuple(fc.constantFrom(...CHANNELS), id, id);

describe('the key of a command', () => {
  it('is unique, whatever characters the ids have', () => {
    fc.assert(
      fc.property(command, command, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(commandKey(...one) === commandKey(...other)).toBe(isSame);
      }),
      { numRuns: 5_000 },
    );
    expect(commandKey('whatsapp', 'w', '1:c')).not.toBe(commandKey('whatsapp', 'w:1', 'c'));
  });
});
