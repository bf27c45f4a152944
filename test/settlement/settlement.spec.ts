import { Topics } from '../../src/contract/topics';
import type { InvalidCommand } from '../../src/contract/command';
import type { Settled } from '../../src/contract/outcome';
import type { Publication, Published } from '../../src/settlement/publisher';
import { type Ended, Settlement } from '../../src/settlement/settlement';
import { silentTelemetry } from '../dispatch/fixtures';

const invalid: InvalidCommand = {
  id: 'c-1',
  type: 'text',
  workspaceId: null,
  violations: ['value: must not be empty'],
};
const settled: Settled = {
  outcome: 'invalid',
  response: { id: '', status: '', error: 'value: must not be empty' },
  attempts: 0,
  httpStatus: null,
};
const ended: Ended = {
  record: { topic: 't', partition: 0, offset: 7, timestampMs: 0, key: 'k', value: 'v', headers: { own: 'x' } },
  command: invalid,
  channel: 'whatsapp',
  lane: 'transactional',
  settled,
};

/** A settlement whose topics refuse the first records as too large. */
function world(refusals: { results: number; deadLetters: number }) {
  const written: Publication[] = [];
  const order: string[] = [];
  const publisher = (name: 'results' | 'deadLetters') => ({
    publish: async (publication: Publication): Promise<Published> => {
      if (refusals[name]-- > 0) return 'too-large';
      order.push(name);
      written.push(publication);
      return 'acknowledged';
    },
  });
  const lines: string[] = [];
  const settlement = new Settlement({
    topics: new Topics('m.'),
    results: publisher('results'),
    deadLetters: publisher('deadLetters'),
    replies: { tryPublish: async () => true },
    telemetry: silentTelemetry,
    wallMs: () => 0,
    log: (_level, message) => lines.push(message),
    logsAll: false,
  });
  return { settlement, written, order, lines };
}

describe('the settlement', () => {
  it('writes the result before the dead letter', async () => {
    const { settlement, order } = world({ results: 0, deadLetters: 0 });
    await settlement.settle(ended);
    expect(order).toEqual(['results', 'deadLetters']);
  });

  it('writes a result that is too large without key and own headers', async () => {
    const { settlement, written } = world({ results: 1, deadLetters: 0 });
    await settlement.settle(ended);
    expect([written[0]?.topic, written[0]?.key]).toEqual(['m.results', null]);
  });

  it('writes a dead letter that is too large without value, and at last without key', async () => {
    const { settlement, written } = world({ results: 0, deadLetters: 2 });
    await settlement.settle(ended);
    const { key, value, headers } = written[1] ?? {};
    expect([key, value, headers?.['kafka_dlt-truncated']]).toEqual([null, null, 'true']);
  });

  it('leaves a command unsettled where its topic takes no record at all', async () => {
    const { settlement, lines } = world({ results: Infinity, deadLetters: 0 });
    const settling = settlement.settle(ended).then(() => 'settled');
    await expect(Promise.race([settling, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))])).resolves.toBe(
      'waits',
    );
    expect(lines).toHaveLength(1);
  });
});
