import { fromFields, type SettledFields } from './settled-fields';
import type { ClaimAnswer, Progress } from './settled-store';

/** The connection that asked is not the newest one of this process. */
export class Stale extends Error {
  readonly code = 'STALE';
}

/** Whether a script has been executed whose only answer is `done`. */
export function isDone(reply: unknown): boolean {
  return Array.isArray(reply) && reply[0] === 'done';
}

/** Reads the answer of the claim script; `unavailable` if there is none. */
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
    case 'claimed-elsewhere':
      return { kind };
    default:
      return { kind: 'unavailable' };
  }
}

/** Null if it cannot be read: nobody knows then how the command ended. */
function decodeSettled(text: string): ClaimAnswer | null {
  try {
    return { kind: 'settled', at: fromFields(JSON.parse(text) as SettledFields) };
  } catch {
    return null;
  }
}
