import type { Outcome } from '../contract/outcome';
import type { SettledAt } from './settled-store';

/** How a command ended, without names of fields: a store has millions of these. */
export type SettledFields = readonly [
  completedAtMs: number,
  outcome: Outcome,
  attempts: number,
  httpStatus: number | null,
  id: string,
  status: string,
  error: string,
];

export function toFields({ settled, completedAtMs }: SettledAt): SettledFields {
  const { outcome, attempts, httpStatus, response } = settled;
  return [completedAtMs, outcome, attempts, httpStatus, response.id, response.status, response.error];
}

export function fromFields(fields: SettledFields): SettledAt {
  const [completedAtMs, outcome, attempts, httpStatus, id, status, error] = fields;
  return { settled: { outcome, response: { id, status, error }, attempts, httpStatus }, completedAtMs };
}
