import type { OffsetsToCommit } from '../../../src/kafka/partitions/committer';
import { AssignedPartition } from '../../../src/kafka/partitions/assigned-partition';
import { Handover } from '../../../src/kafka/partitions/handover';
import { IntakeBudget } from '../../../src/kafka/partitions/intake-budget';
import { memberTag } from '../../../src/kafka/partitions/member-tag';
import { decodeMetadata, encodeMetadata } from '../../../src/offsets/commit-metadata';
import { FakeClock } from '../../dispatch/fixtures';

const PATIENCE_MS = 1_000 + 5_000;

/**
 * One member that partition 0 was assigned to, and the group's commit for it. Any other member is gone, after a last
 * commit of the metadata `afterFirstRead` if that is not empty.
 */
function world(metadata: string, { isCommitTaken = true, afterFirstRead = '' } = {}) {
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
      describeGroups: () => {
        committed.metadata = afterFirstRead || committed.metadata;
        return Promise.resolve({ groups: [{ members: [{ memberId: 'm-1' }] }] });
      },
    },
    commit: ({ topics }: OffsetsToCommit) => {
      if (isCommitTaken) committed.metadata = topics[0]?.partitions[0]?.metadata ?? '';
      return Promise.resolve();
    },
    log: (level, message) => void (level === 'warn' && warnings.push(message)),
  });
  const assignment = new AbortController();
  void handover.claim('m-1', () => (source.isOpening ? [source] : []), assignment.signal);
  return { clock, source, committed, warnings, assignment };
}

describe('Handover', () => {
  it('waits as long as it may if it cannot read who owns a partition, then claims it with one warning', async () => {
    const { clock, source, warnings } = world('{"v":99}');
    await clock.pass(PATIENCE_MS - 100);
    expect([source.isOwned, warnings]).toEqual([false, []]);
    for (let ms = 0; ms < 200; ms += 10) await clock.pass(10);
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

  it('forgets nothing of an owner that commits a last time and leaves while the members are asked', async () => {
    const former = { base: 5, owner: memberTag('m-0') } as const;
    for (const state of ['released', 'active'] as const) {
      const { clock, source, committed } = world(encodeMetadata({ ...former, state: 'active', done: [6] }), {
        afterFirstRead: encodeMetadata({ ...former, state, done: [6, 7] }),
      });
      for (let ms = 0; ms < 10; ms++) await clock.pass(1);
      expect(source.isOwned).toBe(true);
      expect(decodeMetadata(committed.metadata, 5)).toMatchObject({
        done: [6, 7],
        ownership: { owner: memberTag('m-1'), state: 'active' },
      });
    }
  });

  it('does not open a partition if its claim was not committed: kafkajs may silently drop a commit', async () => {
    const { clock, source, assignment } = world('', { isCommitTaken: false });
    await clock.pass(PATIENCE_MS * 2);
    expect(source.isOwned).toBe(false);
    assignment.abort();
  });
});
