import type { IncomingRecord } from '../../src/contract/record';
import { Topics } from '../../src/contract/topics';
import { Intake } from '../../src/dispatch/intake';
import type { Job } from '../../src/dispatch/job';
import type { Ended } from '../../src/settlement/settlement';
import { FakeSource } from './fixtures';

const VALID = {
  id: 'c-1',
  type: 'text',
  request: { recepient: { phoneNumber: '+4915112345678' }, workspace: { id: 'w-1' }, textMessage: 'Hello' },
};

function open(): {
  accept: (command: unknown, over?: Partial<IncomingRecord>) => Promise<void>;
  jobs: Job[];
  ended: Ended[];
  source: FakeSource;
} {
  const jobs: Job[] = [];
  const ended: Ended[] = [];
  const source = new FakeSource();
  const intake = new Intake({
    topics: new Topics('messages.').commands(['whatsapp']),
    retryTopics: new Map([['messages.retries.whatsapp.1m', 'whatsapp']]),
    defaultDelivery: 'at-least-once',
    isStoreDurable: false,
    wallMs: () => 0,
  });
  intake.connect({
    add: (job) => jobs.push(job),
    refuse: (end, done) => {
      ended.push(end);
      done();
    },
  });
  const accept = async (command: unknown, over: Partial<IncomingRecord> = {}): Promise<void> => {
    const value = Buffer.from(JSON.stringify(command));
    const record = {
      topic: 'messages.commands.whatsapp',
      partition: 0,
      offset: 7,
      timestampMs: 0,
      key: null,
      value: null,
      headers: {},
    };
    intake.accept({ ...record, ...over }, value, source);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { accept, jobs, ended, source };
}

describe('Intake', () => {
  it('makes a job of a valid command, its key that of the record and else the recipient', async () => {
    const { accept, jobs, ended } = open();
    await accept(VALID);
    await accept(VALID, { key: 'k-9', topic: 'messages.commands.whatsapp.bulk' });
    expect(jobs.map(({ key, lane, delivery }) => [key, lane, delivery])).toEqual([
      ['4915112345678', 'transactional', 'at-least-once'],
      ['k-9', 'bulk', 'at-least-once'],
    ]);
    expect(ended).toEqual([]);
  });

  it('takes a record of a retry topic that did not come from here for one that was produced to it', async () => {
    const { accept, jobs } = open();
    await accept(VALID, { topic: 'messages.retries.whatsapp.1m' });
    expect(jobs.map(({ lane, round }) => [lane, round])).toEqual([['transactional', 0]]);
  });

  it('settles what is no command as invalid, and then releases its offset', async () => {
    const { accept, jobs, ended, source } = open();
    await accept({ ...VALID, type: 'fax' });
    expect(jobs).toEqual([]);
    expect(ended.map(({ settled }) => [settled.outcome, settled.attempts])).toEqual([['invalid', 0]]);
    expect(source.settledOffsets).toEqual([7]);
  });

  it('refuses at-most-once, which it cannot keep, and says why', async () => {
    const { accept, jobs, ended } = open();
    await accept({ ...VALID, delivery: 'at-most-once' });
    expect(jobs).toEqual([]);
    expect(ended[0]?.settled).toMatchObject({
      outcome: 'invalid',
      response: { error: expect.stringMatching(/^delivery: /) },
    });
  });
});
