import { textTable } from '../../../tools/lib/text-table';

describe('textTable', () => {
  it('aligns columns, numbers to the right', () => {
    expect(
      textTable(
        ['name', 'ms'],
        [
          ['first', '1,234'],
          ['b', '5'],
        ],
      ),
    ).toBe(['name   ms', '-----  -----', 'first  1,234', 'b          5'].join('\n'));
  });
});
