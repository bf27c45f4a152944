import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Holding, IntakeBudget } from '../../../src/kafka/partitions/intake-budget';

const BATCH_COMMANDS = 50;
const BATCH_BYTES = 5_000;

interface Partition {
  readonly holding: Holding;
  readonly inHand: number[];
  isPaused: boolean;
}

const newPartition = (): Partition => ({ holding: { commands: 0, bytes: 0 }, inHand: [], isPaused: false });

function follow(budget: IntakeBudget, partition: Partition): void {
  partition.isPaused = partition.isPaused ? !budget.isLow(partition.holding) : budget.isOver(partition.holding);
}

describe('IntakeBudget', () => {
  const limit = { maxCommands: 200, maxBytes: 6_000 };
  const steps = fc.array(
    fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record({ read: fc.nat(5), sizes: fc.array(fc.nat(100), { maxLength: BATCH_COMMANDS }) }),
      },
      { weight: 3, arbitrary: fc.record({ settle: fc.nat(5), count: fc.nat(80) }) },
    ),
    { maxLength: 300 },
  );

  it('exceeds the limit by one batch at most, and one more for each partition that had no commands', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const budget = new IntakeBudget(limit);
        const partitions = Array.from({ length: 6 }, newPartition);
        let batchesFromNothing = 0;
        for (const step of list) {
          const partition = partitions['read' in step ? step.read : step.settle];
          if (partition === undefined) continue;
          if ('read' in step && !partition.isPaused) {
            const isFull = budget.commands >= limit.maxCommands || budget.bytes >= limit.maxBytes;
            assert(!isFull || partition.holding.commands === 0);
            if (isFull) batchesFromNothing++;
            for (const bytes of step.sizes) {
              budget.add(partition.holding, bytes);
              partition.inHand.push(bytes);
            }
          }
          if ('settle' in step) {
            for (const bytes of partition.inHand.splice(0, step.count)) budget.remove(partition.holding, bytes);
          }
          for (const each of partitions) follow(budget, each);
          const batches = 1 + Math.min(batchesFromNothing, partitions.length);
          expect(budget.commands).toBeLessThanOrEqual(limit.maxCommands + batches * BATCH_COMMANDS);
          expect(budget.bytes).toBeLessThanOrEqual(limit.maxBytes + batches * BATCH_BYTES);
        }
        for (const { inHand, holding } of partitions) for (const bytes of inHand) budget.remove(holding, bytes);
        expect([budget.commands, budget.bytes]).toEqual([0, 0]);
      }),
    );
  });

  it('lets a partition read that has no commands in memory, no matter how many the others have', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(50_000), (commands, bytes) => {
        const budget = new IntakeBudget(limit);
        const other = newPartition().holding;
        for (let i = 0; i < commands; i++) budget.add(other, bytes / commands);
        const empty = newPartition().holding;
        expect({ low: budget.isLow(empty), over: budget.isOver(empty) }).toEqual({ low: true, over: false });
      }),
    );
  });

  it('never wants a partition both paused and resumed', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (own, others) => {
        const budget = new IntakeBudget(limit);
        const holding = newPartition().holding;
        const other = newPartition().holding;
        for (let i = 0; i < own; i++) budget.add(holding, 100);
        for (let i = 0; i < others; i++) budget.add(other, 100);
        expect(budget.isLow(holding) && budget.isOver(holding)).toBe(false);
      }),
    );
  });

  it.each([
    ['commands', 100, 1],
    ['bytes', 1, 3_000],
  ])('is over at half of the %s for one partition alone', (_, commands, bytes) => {
    const budget = new IntakeBudget(limit);
    const { holding } = newPartition();
    for (let i = 0; i < commands - 1; i++) budget.add(holding, 1);
    const isOverBefore = budget.isOver(holding);
    budget.add(holding, bytes);
    expect([isOverBefore, budget.isOver(holding), budget.isLow(holding)]).toEqual([false, true, false]);
  });

  it('gives one busy partition half of the budget, and two a third each', () => {
    const fill = (count: number): number[] => {
      const budget = new IntakeBudget({ maxCommands: 3000, maxBytes: Infinity });
      const partitions = Array.from({ length: count }, newPartition);
      while (partitions.some(({ holding }) => !budget.isOver(holding))) {
        for (const { holding } of partitions) if (!budget.isOver(holding)) budget.add(holding, 1);
      }
      return partitions.map(({ holding }) => holding.commands);
    };
    expect(fill(1)).toEqual([1500]);
    expect(fill(2)).toEqual([1000, 1000]);
  });
});
