import type { Outcome } from '../../src/contract/outcome';
import type { Claim, Progress, SettledAt } from '../../src/settlement/settled-store';

export const NOTHING: Progress = { attempts: 0, perhapsSent: false };
export const TRIED: Progress = { attempts: 2, perhapsSent: false };

let commands = 0;

/** A claim of a command that no other test has. */
export function aClaim(replaced: Partial<Claim> = {}): Claim {
  return {
    key: `whatsapp:3:w-1:c-${++commands}`,
    digest: 'digest-a',
    record: 'messages.commands.whatsapp/0/7',
    redrive: null,
    ...replaced,
  };
}

/** The same command, read from another record. */
export function reread(claim: Claim, replaced: Partial<Claim> = {}): Claim {
  return { ...claim, record: 'messages.commands.whatsapp.bulk/1/9', ...replaced };
}

export function ended(outcome: Outcome = 'accepted', id = 'msg_81'): SettledAt {
  const response = { id, status: 'queued', error: outcome === 'accepted' ? '' : 'näin "ei"\n' };
  return { settled: { outcome, response, attempts: 3, httpStatus: 200 }, completedAtMs: 1_795_000_000_123 };
}
