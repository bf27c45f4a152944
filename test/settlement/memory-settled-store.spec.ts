import { MemorySettledStore } from '../../src/settlement/memory-settled-store';
import type { Claim, ClaimAnswer, Progress, SettledAt } from '../../src/settlement/settled-store';
import { aClaim, ended, NOTHING, reread, TRIED } from './store-fixtures';

describe('the settled-command store in memory', () => {
  let nowMs: number;
  let store: MemorySettledStore;

  beforeEach(() => {
    nowMs = 0;
    store = new MemorySettledStore({ ttlMs: 1_000, maxCommands: 10, nowMs: () => nowMs });
  });

  function settle(claim: Claim, at: SettledAt = ended()): void {
    store.claim(claim, NOTHING);
    store.remember(claim, at);
  }

  function claimed(progress: Progress = NOTHING): ClaimAnswer {
    return { kind: 'claimed', progress };
  }

  it('is always available and does not outlive the process', async () => {
    await store.start();
    expect(store).toMatchObject({ isAvailable: true, isDurable: false });
    await store.stop();
    await store.stop();
  });

  it('lets a command be sent once, and from then on answers how it ended', () => {
    const claim = aClaim();
    expect(store.claim(claim, NOTHING)).toEqual(claimed());
    store.remember(claim, ended('rejected'));
    expect(store.claim(reread(claim), NOTHING)).toEqual({ kind: 'settled', at: ended('rejected') });
  });

  it('refuses another request with a known id, whether that command is claimed, released or settled', () => {
    const claim = aClaim();
    const other = { ...claim, digest: 'digest-b' };
    store.claim(claim, NOTHING);
    expect(store.claim(other, NOTHING).kind).toBe('other-request');
    store.release(claim, TRIED);
    expect(store.claim(other, NOTHING).kind).toBe('other-request');
    settle(claim);
    expect(store.claim(other, NOTHING).kind).toBe('other-request');
  });

  it('refuses another record of a claimed command, and lets the same record claim again', () => {
    const claim = aClaim();
    store.claim(claim, NOTHING);
    store.keep(claim, TRIED);
    expect(store.claim(reread(claim), NOTHING)).toEqual({ kind: 'claimed-elsewhere' });
    expect(store.claim(claim, NOTHING)).toEqual(claimed(TRIED));
  });

  it('remembers the calls of a released command, and nothing if there were none', () => {
    const [tried, fresh] = [aClaim(), aClaim()];
    for (const claim of [tried, fresh]) store.claim(claim, NOTHING);
    store.release(tried, { attempts: 1, perhapsSent: true });
    store.release(fresh, NOTHING);
    expect(store.claim(reread(tried), TRIED)).toEqual(claimed({ attempts: 2, perhapsSent: true }));
    expect(store.claim({ ...fresh, digest: 'digest-b' }, NOTHING)).toEqual(claimed());
  });

  it('ignores another record of a claimed command', () => {
    const claim = aClaim();
    store.claim(claim, NOTHING);
    store.release(reread(claim), NOTHING);
    store.keep(reread(claim), TRIED);
    expect(store.claim(claim, NOTHING)).toEqual(claimed());
  });

  it('lets a settled command be sent again by a new redrive, once for each redrive', () => {
    const claim = aClaim();
    settle(claim, ended('failed'));
    const redriven = reread(claim, { redrive: 'r-1' });
    expect(store.claim(redriven, NOTHING)).toEqual(claimed());
    store.remember(redriven, ended());
    expect(store.claim(redriven, NOTHING)).toEqual({ kind: 'settled', at: ended() });
    expect(store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended() });
    expect(store.claim({ ...redriven, redrive: 'r-2' }, NOTHING)).toEqual(claimed());
  });

  it('still knows how a command ended if its redrive is released before the first call', () => {
    const claim = aClaim();
    settle(claim, ended('failed'));
    const redriven = reread(claim, { redrive: 'r-1' });
    store.claim(redriven, NOTHING);
    store.release(redriven, NOTHING);
    expect(store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended('failed') });
    expect(store.claim(redriven, NOTHING)).toEqual(claimed());
  });

  it('forgets a settled command after its TTL, counted from its end', () => {
    const claim = aClaim();
    settle(claim);
    nowMs = 1_000;
    expect(store.claim(claim, NOTHING).kind).toBe('settled');
    nowMs = 1_001;
    expect(store.claim(claim, NOTHING)).toEqual(claimed());
  });

  it('forgets the settled commands not seen for longest if there are too many, but no claimed ones', () => {
    const inHand = Array.from({ length: 30 }, () => aClaim());
    for (const claim of inHand) store.claim(claim, NOTHING);
    const done = Array.from({ length: 11 }, () => aClaim());
    for (const claim of done) settle(claim);
    expect(done.map((claim) => store.claim(reread(claim), NOTHING).kind)).toEqual([
      'claimed',
      ...Array.from({ length: 10 }, () => 'settled'),
    ]);
    nowMs = 1e9;
    for (const claim of inHand) expect(store.claim(reread(claim), NOTHING).kind).toBe('claimed-elsewhere');
  });
});
