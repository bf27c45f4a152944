import { Ledger } from '../../sandbox/ledger.ts';

function accept(ledger: Ledger, keys: readonly string[], recipient = 'r-1', channel = 'whatsapp'): void {
  for (const key of keys) ledger.accept(key, ledger.recipient(channel, recipient), 1000);
}

describe('Ledger', () => {
  it('counts each repetition of a key as a duplicate', () => {
    const ledger = new Ledger();
    accept(ledger, ['a', 'b', 'a', 'a', '']);
    expect(ledger.report()).toMatchObject({ accepted: 5, uniqueAccepted: 2, duplicates: 2, acceptedWithoutKey: 1 });
    expect(ledger.timesAccepted('a')).toBe(3);
    expect(ledger.timesAccepted('c')).toBe(0);
  });

  it.each([
    ['rising numbers', ['x-1', 'x-2', 'x-10'], 0],
    ['one fall', ['x-1', 'x-3', 'x-2', 'x-4'], 1],
    ['two falls', ['x-3', 'x-2', 'x-1'], 2],
    ['an earlier key accepted again', ['x-1', 'x-2', 'x-1', 'x-3'], 0],
    ['keys without a number', ['x-2', 'y', 'x1', '-', 'x-3'], 0],
    ['UUIDs that end in digits', ['0193f6c2-7e1a-7c55-9a53-900000000009', '0193f6c2-7e1a-7c55-9a53-100000000001'], 0],
  ])('sees in %s the right number of order violations', (_name, keys, orderViolations) => {
    const ledger = new Ledger();
    accept(ledger, keys);
    expect(ledger.report()).toMatchObject({ orderViolations });
  });

  it('compares numbers within one recipient of one channel only', () => {
    const ledger = new Ledger();
    accept(ledger, ['x-3']);
    accept(ledger, ['x-2'], 'r-2');
    accept(ledger, ['x-1'], 'r-1', 'telegram');
    expect(ledger.report()).toMatchObject({ orderViolations: 0 });
  });

  it('counts a call that begins while another of its recipient is in progress', () => {
    const ledger = new Ledger();
    const [one, other] = [ledger.recipient('whatsapp', 'r-1'), ledger.recipient('telegram', 'r-1')];
    ledger.begin(one, 200, 'whatsapp.text');
    ledger.begin(other, 200, 'telegram.template');
    ledger.begin(null, 404, null);
    expect(ledger.report()).toMatchObject({ overlaps: 0, maxConcurrent: 3 });
    ledger.end(one);
    ledger.begin(one, 'reset', 'whatsapp.text');
    expect(ledger.report()).toMatchObject({ overlaps: 0, maxConcurrent: 3 });
    ledger.begin(one, 429, 'whatsapp.text');
    expect(ledger.report()).toMatchObject({
      calls: 5,
      overlaps: 1,
      limited: 1,
      byStatus: { '200': 2, '404': 1, '429': 1, reset: 1 },
      byOperation: { 'whatsapp.text': 3, 'telegram.template': 1 },
    });
  });

  it('knows the first and last acceptance, and the busiest second', () => {
    const ledger = new Ledger();
    expect(ledger.report()).toMatchObject({ firstAcceptedAtMs: null, lastAcceptedAtMs: null });
    for (const atMs of [500, 1000, 1500, 1999, 2000, 3100]) ledger.accept('', ledger.recipient('whatsapp', 'r'), atMs);
    expect(ledger.report()).toMatchObject({
      firstAcceptedAtMs: 500,
      lastAcceptedAtMs: 3100,
      acceptedPerSecondPeak: 3,
    });
  });
});
