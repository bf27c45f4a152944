import { setImmediate as nextTurn } from 'node:timers/promises';
import { OPERATIONS } from '../../src/contract/operations';
import { Topics } from '../../src/contract/topics';
import type { InvalidCommand } from '../../src/contract/command';
import type { Settled } from '../../src/contract/outcome';
import type { Publication, Published, Publisher } from '../../src/settlement/publisher';
import { readReturned } from '../../src/contract/retry-headers';
import { type Ended, type RetriedCommand, Settlement } from '../../src/settlement/settlement';
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
const [operation] = OPERATIONS;
if (operation === undefined) throw new Error('unreachable');
const failed: Settled = {
  outcome: 'failed',
  response: { id: '', status: '', error: 'no connection' },
  attempts: 5,
  httpStatus: null,
};
const record = { topic: 't', partition: 0, offset: 7, timestampMs: 3, key: null, value: 'v', headers: { own: 'x' } };
const retried: RetriedCommand = {
  record,
  command: { id: 'c-1', operation, workspaceId: 'w', recipient: 'r', body: '{}', expiresAtMs: null, delivery: null },
  channel: 'whatsapp',
  lane: 'transactional',
  settled: failed,
  completedAtMs: 1_000,
  round: 2,
};
const ended: Ended = {
  record: { topic: 't', partition: 0, offset: 7, timestampMs: 0, key: 'k', value: 'v', headers: { own: 'x' } },
  command: invalid,
  channel: 'whatsapp',
  lane: 'transactional',
  settled,
  completedAtMs: 1_000,
  isReplay: false,
};

/** A settlement whose topics refuse this many first records as too large. */
function world(refusals: { results: number; deadLetters: number; retries?: number }) {
  const written: Publication[] = [];
  const order: string[] = [];
  const left = { retries: 0, ...refusals };
  const publisherOf = (name: 'results' | 'deadLetters' | 'retries'): Publisher => {
    const publishOne = async (publication: Publication): Promise<Published> => {
      if (left[name]-- > 0) return 'too-large';
      order.push(name);
      written.push(publication);
      return 'acknowledged';
    };
    return {
      publish: publishOne,
      write: (draft) => void publishOne(draft.toRecord()).then((how) => draft.published(how)),
    };
  };
  const lines: string[] = [];
  const settlement = new Settlement({
    topics: new Topics('m.'),
    results: publisherOf('results'),
    deadLetters: publisherOf('deadLetters'),
    retries: publisherOf('retries'),
    delays: [
      { name: '1m', delayMs: 60_000 },
      { name: '1h', delayMs: 3_600_000 },
    ],
    replies: { tryPublish: async () => true },
    telemetry: silentTelemetry,
    wallMs: () => 5_000,
    log: (_level, message) => lines.push(message),
    logsAll: false,
  });
  const publish = (command: Ended): Promise<void> => new Promise((done) => settlement.publish(command, done));
  return { settlement, publish, written, order, lines };
}

describe('the settlement', () => {
  it('publishes the result before the dead letter', async () => {
    const { publish, order } = world({ results: 0, deadLetters: 0 });
    await publish(ended);
    expect(order).toEqual(['results', 'deadLetters']);
  });

  it("publishes a result that is too large without the command's key and headers", async () => {
    const { publish, written } = world({ results: 1, deadLetters: 0 });
    await publish(ended);
    expect([written[0]?.topic, written[0]?.key]).toEqual(['m.results', null]);
  });

  it('publishes a dead letter that is too large without its value, then also without its key', async () => {
    const { publish, written } = world({ results: 0, deadLetters: 2 });
    await publish(ended);
    const { key, value, headers } = written[1] ?? {};
    expect([key, value, headers?.['kafka_dlt-truncated']]).toEqual([null, null, 'true']);
  });

  it('leaves a command unsettled where its topic takes no record at all', async () => {
    const { publish, lines } = world({ results: Infinity, deadLetters: 0 });
    const hasSettled = jest.fn();
    void publish(ended).then(hasSettled);
    // Nothing here takes longer than turns of the event loop.
    for (let turns = 0; turns < 10; turns++) await nextTurn();
    expect(hasSettled).not.toHaveBeenCalled();
    expect(lines).toHaveLength(1);
  });

  it('marks a result that is published again, and keeps the time when the command was settled', async () => {
    const { publish, written } = world({ results: 0, deadLetters: 0 });
    await publish({ ...ended, isReplay: true });
    expect(JSON.parse(String(written[0]?.value))).toMatchObject({
      replayed: true,
      completedAt: '1970-01-01T00:00:01.000Z',
    });
  });

  it('sends a command to the retry topic of its round, by its recipient if it has no key, unchanged', async () => {
    const { settlement, written } = world({ results: 0, deadLetters: 0 });
    await settlement.sendToRetryTopic(retried);
    const [publication] = written;
    expect([publication?.topic, String(publication?.key)]).toEqual(['m.retries.whatsapp.1h', 'r']);
    const read = { topic: 'm.retries.whatsapp.1h', partition: 1, offset: 9, timestampMs: 9, key: 'r', value: 'v' };
    expect(readReturned({ ...read, headers: publication?.headers ?? {} })).toEqual({
      origin: record,
      round: 2,
      attempts: 5,
      dueAtMs: 3_605_000,
    });
  });

  it('settles a command as failed if it is too large for its retry topic', async () => {
    const { settlement, written } = world({ results: 0, deadLetters: 0, retries: 1 });
    await settlement.sendToRetryTopic(retried);
    expect(written.map(({ topic }) => topic)).toEqual(['m.results', 'm.dead-letters']);
  });
});
