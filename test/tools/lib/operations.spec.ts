import { OPERATIONS, checkRequest } from '../../../sandbox/schemas';
import { ALL_CHANNELS, SAMPLE_OPERATIONS } from '../../../tools/lib/operations';

describe('sample operations', () => {
  it('are the nine of the API', () => {
    expect(SAMPLE_OPERATIONS.map(({ path }) => path).sort()).toEqual([...OPERATIONS.keys()].sort());
    expect(ALL_CHANNELS).toEqual(['whatsapp', 'messenger', 'instagram', 'telegram']);
  });

  it.each(SAMPLE_OPERATIONS)('make requests that $path accepts', ({ path, request }) => {
    const target = OPERATIONS.get(path);
    expect(target && checkRequest(target, request({ contact: 'c-1' }, 'w-1', 'a text'))).toEqual({
      recipient: 'c-1',
      workspace: 'w-1',
    });
  });
});
