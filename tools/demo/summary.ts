import type { Outcome } from '../../src/contract/outcome.ts';
import { ALL_CHANNELS } from '../lib/operations.ts';
import { percentile } from '../lib/percentiles.ts';
import { textTable } from '../lib/text-table.ts';
import type { DemoLedger } from './ledger.ts';

const OUTCOMES: readonly Outcome[] = ['accepted', 'rejected', 'invalid', 'expired', 'failed', 'in-doubt'];

/** Outcomes by channel, then throughput and the time from produce to result. */
export function renderSummary(ledger: DemoLedger): string {
  const rows = ALL_CHANNELS.map((channel) => [
    channel,
    ...OUTCOMES.map((outcome) => ledger.count(channel, (each) => each === outcome)),
  ]);
  const totals = OUTCOMES.map((_, column) => rows.reduce((sum, row) => sum + Number(row[column + 1]), 0));
  const table = textTable(
    ['channel', ...OUTCOMES],
    [...rows, ['all', ...totals]].map((row) => row.map(String)),
  );

  const settled = [...ledger.entries].flatMap(({ writtenAtMs, results: [first] }) =>
    first === undefined ? [] : [{ fromMs: writtenAtMs, toMs: first.atMs }],
  );
  const tookMs = settled.map(({ fromMs, toMs }) => toMs - fromMs);
  const firstMs = settled.reduce((least, { fromMs }) => Math.min(least, fromMs), Infinity);
  const lastMs = settled.reduce((most, { toMs }) => Math.max(most, toMs), -Infinity);
  const perSecond = Math.round((settled.length / (lastMs - firstMs)) * 1000);
  return (
    `${table}\n\n${settled.length} of ${ledger.sentCount} commands settled ` +
    `in ${((lastMs - firstMs) / 1000).toFixed(1)} s (${perSecond}/s); ` +
    `produce to result: p50 ${percentile(tookMs, 0.5)} ms, p99 ${percentile(tookMs, 0.99)} ms`
  );
}
