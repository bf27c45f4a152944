import { fromFields, type SettledFields } from './settled-fields';
import type { ClaimAnswer, Progress } from './settled-store';

/** A newer connection of this process has shut the asking one out. */
export class Stale extends Error {
  readonly code = 'STALE';
}

/** Whether a script that answers nothing else has been executed. */
export function isDone(reply: unknown): boolean {
  return Array.isArray(reply) && reply[0] === 'done';
}

/** What the claim script answered; `unavailable` where it did not. */
export function decodeAnswer(reply: unknown, told: Progress): ClaimAnswer {
  if (!Array.isArray(reply)) return { kind: 'unavailable' };
  const [kind, first, second]: unknown[] = reply;
  switch (kind) {
    case 'claimed':
    case 'in-doubt':
      return { kind, progress: { attempts: Number(first), perhapsSent: second === 1 } };
    case 'settled':
      return decodeSettled(String(first)) ?? { kind: 'in-doubt', progress: { ...told, perhapsSent: true } };
    case 'other-request':
    case 'held':
      return { kind };
    default:
      return { kind: 'unavailable' };
  }
}

/** Null where it cannot be read: what became of the command is then not known. */
function decodeSettled(text: string): ClaimAnswer | null {
  try {
    return { kind: 'settled', at: fromFields(JSON.parse(text) as SettledFields) };
  } catch {
    return null;
  }
}
