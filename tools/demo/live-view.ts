import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from '../../src/contract/channels.ts';
import { ALL_CHANNELS } from '../lib/operations.ts';
import { textTable } from '../lib/text-table.ts';
import type { DemoLedger } from './ledger.ts';
import { channelMetrics } from './metrics.ts';

const TERMINAL_EVERY_MS = 250;
const LINES_EVERY_MS = 1_000;

/** What the view shows, and where it is shown. */
export interface LiveView {
  readonly ledger: DemoLedger;
  /** `/metrics` of the service. */
  readonly metrics: () => Promise<string>;
  readonly topicPrefix: string;
  readonly out: NodeJS.WriteStream;
}

interface ChannelRow {
  readonly channel: Channel;
  readonly accepted: number;
  readonly failed: number;
  readonly retried: number;
  readonly lag: number;
  /** Commands settled per second since the row before. */
  readonly rate: number;
}

/** Shows the state until aborted: on a terminal a table that is drawn again and again, else one line a second. */
export async function showLive(view: LiveView, signal: AbortSignal): Promise<void> {
  const { out } = view;
  const show = out.isTTY
    ? redrawn(out)
    : (rows: readonly ChannelRow[]) => void out.write(`${rows.map(lineOf).join('; ')}\n`);
  let previous: readonly ChannelRow[] = [];
  let previousAtMs = performance.now();
  while (!signal.aborted) {
    await sleep(out.isTTY ? TERMINAL_EVERY_MS : LINES_EVERY_MS, undefined, { signal }).catch(() => {});
    const text = await view.metrics();
    const nowMs = performance.now();
    previous = rowsOf(view, text, previous, nowMs - previousAtMs);
    previousAtMs = nowMs;
    show(previous);
  }
}

function rowsOf(
  { ledger, topicPrefix }: LiveView,
  text: string,
  previous: readonly ChannelRow[],
  sinceMs: number,
): ChannelRow[] {
  return ALL_CHANNELS.map((channel, index) => {
    const accepted = ledger.count(channel, (outcome) => outcome === 'accepted');
    const failed = ledger.count(channel, (outcome) => outcome !== 'accepted');
    const before = previous[index];
    const settledBefore = before === undefined ? 0 : before.accepted + before.failed;
    const rate = Math.round(((accepted + failed - settledBefore) / sinceMs) * 1000);
    return { channel, accepted, failed, rate, ...channelMetrics(text, channel, topicPrefix) };
  });
}

function redrawn(out: NodeJS.WriteStream): (rows: readonly ChannelRow[]) => void {
  let linesDrawn = 0;
  return (rows) => {
    const cells = rows.map(({ channel, accepted, retried, failed, rate, lag }) => [
      channel,
      ...[accepted, retried, failed, `${rate}/s`, lag].map(String),
    ]);
    const table = textTable(['channel', 'accepted', 'retried', 'failed', 'rate', 'lag'], cells);
    out.moveCursor(0, -linesDrawn);
    out.cursorTo(0);
    out.clearScreenDown();
    out.write(`${table}\n`);
    linesDrawn = rows.length + 2;
  };
}

function lineOf({ channel, accepted, retried, failed, rate, lag }: ChannelRow): string {
  return `${channel}: ${accepted} accepted, ${retried} retried, ${failed} failed, ${rate}/s, lag ${lag}`;
}
