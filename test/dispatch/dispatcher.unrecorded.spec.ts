import { FakeSource, type JobFields, World } from './fixtures';

const MAX = 5;
const SLOTS = 3;

/** What was sent, by the key that the test gave. */
function sent(world: World): string[] {
  return world.calls.map(({ job }) => job.key);
}

function addMany(world: World, count: number, fields: JobFields & { readonly key: string }): void {
  world.add(...Array.from({ length: count }, (_, n) => ({ ...fields, key: `${fields.key}-${n}` })));
}

describe('what is answered and not recorded', () => {
  it('holds back its command topic at the limit, and no other', async () => {
    const world = new World({ maxInFlight: SLOTS, maxUnrecorded: MAX });
    const stuck = new FakeSource(world.source.queues);
    stuck.isCommitting = false;
    addMany(world, 50, { key: 'stuck', source: stuck, channel: 'whatsapp', lane: 'transactional' });
    await world.pass(60_000);
    const before = sent(world).length;
    expect(before).toBeGreaterThanOrEqual(MAX);
    expect(before).toBeLessThan(MAX + SLOTS);
    const full = world.dispatcher.unrecorded.filter(({ isFull }) => isFull);
    expect(full).toMatchObject([{ topic: 'messages.commands.whatsapp', commands: before }]);

    addMany(world, 20, { key: 'bulk', channel: 'whatsapp', lane: 'bulk' });
    addMany(world, 20, { key: 'telegram', channel: 'telegram', lane: 'transactional' });
    await world.pass(60_000);
    expect(sent(world)).toHaveLength(before + 40);
    expect(sent(world).filter((key) => key.startsWith('stuck'))).toHaveLength(before);
  });

  it('goes on as soon as it is recorded, never beyond the limit and the calls on the wire', async () => {
    const world = new World({ maxInFlight: SLOTS, maxUnrecorded: MAX });
    const stuck = new FakeSource(world.source.queues);
    stuck.isCommitting = false;
    addMany(world, 50, { key: 'stuck', source: stuck });
    let recorded = 0;
    while (recorded < 50) {
      await world.pass(1_000);
      expect(sent(world).length).toBeLessThan(recorded + MAX + SLOTS);
      expect(sent(world).length).toBeGreaterThan(recorded);
      recorded = sent(world).length;
      stuck.commit();
    }
    expect(new Set(sent(world)).size).toBe(50);
  });
});
