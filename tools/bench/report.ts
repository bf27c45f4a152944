import { textTable } from '../lib/text-table.ts';
import { isMet } from './figures.ts';
import type { Figure, Target } from './figures.ts';

/** The table of all figures, for people. */
export function renderReport(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.workload,
    figure.name,
    withUnit(figure.value, figure.unit),
    figure.target === null ? '' : targetText(figure.target, figure.unit),
    figure.target === null ? '' : isMet(figure) ? 'ok' : 'MISSED',
  ]);
  return textTable(['workload', 'figure', 'reached', 'target', ''], rows);
}

function targetText(target: Target, unit: string): string {
  return 'atLeast' in target ? `>= ${withUnit(target.atLeast, unit)}` : `<= ${withUnit(target.atMost, unit)}`;
}

function withUnit(value: number, unit: string): string {
  const text = plain(value);
  return unit === '' ? text : unit.startsWith('/') ? text + unit : `${text} ${unit}`;
}

/** Three significant digits; more if there are more before the point. */
function plain(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}
