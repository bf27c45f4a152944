import type { Claim, ClaimAnswer, Progress, SettledAt } from '../../src/settlement/settled-store';

interface Entry {
  readonly digest: string;
  readonly redrive: string | null;
  /** How it ended; null until it is settled. */
  readonly at: SettledAt | null;
  /** The process that has claimed it; null for none. */
  readonly owner: string | null;
  readonly record: string;
  readonly isCalling: boolean;
  readonly inDoubt: boolean;
  readonly progress: Progress;
  /** The settled entry that the claim of a redrive replaced. */
  readonly before: Entry | null;
}

/** The rules of the store of settled commands, without time. It has several processes; each lives until `die`. */
export class SettledModel {
  private readonly entries = new Map<string, Entry>();
  private readonly dead = new Set<string>();

  die(process: string): void {
    this.dead.add(process);
  }

  claim(process: string, claim: Claim, told: Progress): ClaimAnswer {
    const entry = this.entries.get(claim.key);
    if (entry === undefined) return this.set(process, claim, told, { redrive: claim.redrive });
    const isNewRedrive = claim.redrive !== null && claim.redrive !== entry.redrive;
    const redrive = claim.redrive ?? entry.redrive;
    const isSame = entry.digest === claim.digest;
    if (!isSame && !isNewRedrive) return { kind: 'other-request' };
    if (entry.at !== null && !isNewRedrive) return { kind: 'settled', at: entry.at };
    if (entry.at !== null) return this.set(process, claim, told, { redrive, before: entry });

    const isOwn = entry.owner === process;
    const isLost = entry.owner !== null && this.dead.has(entry.owner);
    if (isOwn ? entry.record !== claim.record : entry.owner !== null && !isLost) return { kind: 'claimed-elsewhere' };
    const before = entry.before;
    if (!isSame) return this.set(process, claim, told, { redrive, before });
    const diedCalling = isLost && entry.isCalling;
    const known = { attempts: entry.progress.attempts + Number(diedCalling), perhapsSent: entry.progress.perhapsSent };
    const progress = sum(sum(told, known), { attempts: 0, perhapsSent: diedCalling });
    return this.set(process, claim, progress, { redrive, before, inDoubt: entry.inDoubt || diedCalling });
  }

  keep(process: string, claim: Claim, told: Progress): void {
    const entry = this.own(process, claim);
    if (entry === undefined) return;
    const progress = sum(told, entry.progress);
    this.entries.set(claim.key, { ...entry, progress, isCalling: false, inDoubt: false });
  }

  remember(claim: Claim, at: SettledAt): void {
    const entry = this.entries.get(claim.key);
    const isNewRedrive = claim.redrive !== null && claim.redrive !== entry?.redrive;
    if (entry !== undefined && entry.at !== null && !isNewRedrive) return;
    const redrive = claim.redrive ?? (entry?.digest === claim.digest ? entry.redrive : null);
    this.set('', claim, { attempts: 0, perhapsSent: false }, { redrive, at });
  }

  release(process: string, claim: Claim, told: Progress): void {
    const entry = this.own(process, claim);
    if (entry === undefined) return;
    const progress = sum(told, entry.progress);
    const wasTried = progress.attempts > 0 || progress.perhapsSent;
    if (wasTried) {
      this.entries.set(claim.key, { ...entry, progress, owner: null, isCalling: false, before: null });
    } else if (entry.before !== null) this.entries.set(claim.key, entry.before);
    else this.entries.delete(claim.key);
  }

  private own(process: string, claim: Claim): Entry | undefined {
    const entry = this.entries.get(claim.key);
    return entry?.at === null && entry.owner === process && entry.record === claim.record ? entry : undefined;
  }

  private set(owner: string, claim: Claim, progress: Progress, more: Partial<Entry>): ClaimAnswer {
    const { digest, record, redrive, key } = claim;
    const fresh = { digest, redrive, at: null, owner, record, isCalling: true, inDoubt: false, progress, before: null };
    this.entries.set(key, { ...fresh, ...more });
    return { kind: more.inDoubt === true ? 'in-doubt' : 'claimed', progress };
  }
}

function sum(one: Progress, other: Progress): Progress {
  return {
    attempts: Math.max(one.attempts, other.attempts),
    perhapsSent: one.perhapsSent || other.perhapsSent,
  };
}
