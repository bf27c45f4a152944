import type { OffsetsToCommit } from '../../../src/kafka/partitions/committer';
import { AssignedPartition } from '../../../src/kafka/partitions/assigned-partition';
import { Handover } from '../../../src/kafka/partitions/handover';
import { IntakeBudget } from '../../../src/kafka/partitions/intake-budget';
import { FakeClock } from '../../dispatch/fixtures';

const PATIENCE_MS = 1_000 + 5_000;

/** One member that partition 0 was assigned to, and the group's commit for it. */
function world(metadata: string, isCommitTaken = true) {
  const clock = new FakeClock();
  const source = new AssignedPartition(
    't',
    0,
    { keys: new Map() },
    {
      clock,
      budget: new IntakeBudget({ maxCommands: 10, maxBytes: 10_000 }),
      changed: () => undefined,
      isConsumerAlive: () => true,
      due: () => null,
    },
  );
  const committed = { partition: 0, offset: '5', metadata };
  const warnings: string[] = [];
  const handover = new Handover({
    clock,
    groupId: 'g',
    topics: ['t'],
    callTimeoutMs: 1_000,
    reader: {
      fetchOffsets: () => Promise.resolve([{ topic: 't', partitions: [{ ...committed }] }]),
      fetchTopicOffsets: () => Promise.resolve([]),
      describeGroups: () => Promise.resolve({ groups: [{ members: [{ memberId: 'm-1' }] }] }),
    },
    commit: ({ topics }: OffsetsToCommit) => {
      if (isCommitTaken) committed.metadata = topics[0]?.partitions[0]?.metadata ?? '';
      return Promise.resolve();
    },
    log: (level, message) => void (level === 'warn' && warnings.push(message)),
  });
  const assignment = new AbortController();
  void handover.claim('m-1', () => (source.isOpening ? [source] : []), assignment.signal);
  return { clock, source, warnings, assignment };
}

describe('Handover', () => {
  it('waits as long as it may if it cannot read who owns a partition, then claims it with one warning', async () => {
    const { clock, source, warnings } = world('{"v":99}');
    await clock.pass(PATIENCE_MS - 100);
    expect([source.isOwned, warnings]).toEqual([false, []]);
    await clock.pass(200);
    expect(source.isOwned).toBe(true);
    expect(warnings).toEqual(['commit metadata has a version this release does not know and is ignored']);
  });

  it('claims a partition at once if a newer release has released it, or its owner is gone', async () => {
    for (const state of ['released', 'active']) {
      const { clock, source } = world(`{"v":2,"owner":"${'x'.repeat(22)}","state":"${state}"}`);
      for (let ms = 0; ms < 10; ms++) await clock.pass(1);
      expect(source.isOwned).toBe(true);
    }
  });

  it('does not open a partition if its claim was not committed: kafkajs may silently drop a commit', async () => {
    const { clock, source, assignment } = world('', false);
    await clock.pass(PATIENCE_MS * 2);
    expect(source.isOwned).toBe(false);
    assignment.abort();
  });
});
