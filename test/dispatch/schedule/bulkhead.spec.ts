import fc from 'fast-check';
import { CHANNELS, type Channel } from '../../../src/contract/channels';
import { Bulkhead } from '../../../src/dispatch/schedule/bulkhead';

/** Takes as many slots as it may, up to `wanted`. */
function take(bulkhead: Bulkhead, channel: Channel, wanted: number, nowMs: number): number {
  let taken = 0;
  while (taken < wanted && bulkhead.mayTake(channel, nowMs)) {
    bulkhead.taken(channel, nowMs);
    taken++;
  }
  return taken;
}

describe('the bulkhead between channels', () => {
  it('leaves every slot to a channel that is alone', () => {
    expect(take(new Bulkhead(256), 'whatsapp', 256, 0)).toBe(256);
  });

  it('keeps for a channel what it lately needed, whatever the others hold', () => {
    const bulkhead = new Bulkhead(90);
    take(bulkhead, 'telegram', 20, 0);
    for (let i = 0; i < 20; i++) bulkhead.returned('telegram');
    expect(take(bulkhead, 'whatsapp', 90, 100)).toBeLessThanOrEqual(70);
    expect(take(bulkhead, 'telegram', 20, 200)).toBe(20);
  });

  it('gives back what a channel no longer needs', () => {
    const bulkhead = new Bulkhead(90);
    take(bulkhead, 'telegram', 20, 0);
    for (let i = 0; i < 20; i++) bulkhead.returned('telegram');
    expect(take(bulkhead, 'whatsapp', 90, 60_000)).toBe(90);
  });

  it('lets a channel grow to its equal share while another one holds the rest and nothing comes back of it', () => {
    const bulkhead = new Bulkhead(90);
    take(bulkhead, 'whatsapp', 90, 0);
    let nowMs = 0;
    let mine = 0;
    // Each freed slot is offered to both, the one that hangs first.
    for (let i = 0; i < 60; i++) {
      nowMs += 10;
      bulkhead.returned('whatsapp');
      if (i > 0 && bulkhead.mayTake('whatsapp', nowMs)) bulkhead.taken('whatsapp', nowMs);
      else mine += take(bulkhead, 'telegram', 1, nowMs);
    }
    expect(mine).toBeGreaterThanOrEqual(45);
  });

  it('never keeps a channel below its equal share', () => {
    const steps = fc.array(
      fc.record({
        channel: fc.constantFrom(...CHANNELS),
        isReturn: fc.boolean(),
        passMs: fc.nat(3_000),
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 64 }), steps, (slots, all) => {
        const bulkhead = new Bulkhead(slots);
        const held: Record<Channel, number> = { whatsapp: 0, messenger: 0, instagram: 0, telegram: 0 };
        let nowMs = 0;
        let refusedBelowShare = 0;
        for (const { channel, isReturn, passMs } of all) {
          nowMs += passMs;
          const inUse = Object.values(held).reduce((sum, count) => sum + count, 0);
          if (isReturn && held[channel] > 0) {
            bulkhead.returned(channel);
            held[channel]--;
          } else if (inUse < slots) {
            const may = bulkhead.mayTake(channel, nowMs);
            if (!may && held[channel] < Math.floor(slots / CHANNELS.length)) refusedBelowShare++;
            if (!may) continue;
            bulkhead.taken(channel, nowMs);
            held[channel]++;
          }
        }
        expect(refusedBelowShare).toBe(0);
      }),
    );
  });
});
