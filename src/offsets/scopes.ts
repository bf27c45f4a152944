import { MAX_RULES, type Rule } from './done-marks';

/** Workspaces and keys that are followed one by one; all beyond share two buckets. */
const MAX_SCOPES = MAX_RULES;

/**
 * What records are passed over for: a workspace or a key that has its part in hand, or a bucket for all that are too
 * many to be
 * followed. Every key of which records are passed over is owned by one scope, and all those records lie at or beyond
 * the scope's
 * `from`, so a reading from there sees them in order.
 */
export interface Scope {
  /** From 1; of one scope at a time. */
  readonly id: number;
  /** See `scopeHash`; null for a bucket. */
  readonly hash: number | null;
  /** null for a key, for a bucket, and as long as only an earlier owner's rule tells of it. */
  workspaceId: string | null;
  isKey: boolean;
  /** No record of its keys is passed over before this offset. */
  from: number;
  /** Nothing of it is passed over, and no rule of it holds, beyond this offset. */
  last: number;
  /** Its rule in the commit's marks covers all its records from here on; Infinity for none. */
  ruleFrom: number;
  /** The reading in which it was found to have its part: nothing more of it is taken in that one. */
  closedIn: number;
  /** The reading that was last begun for its sake. */
  servedIn: number;
}

/** The scopes of one partition. Their number is bounded, whatever the number of workspaces and keys. */
export class Scopes {
  private readonly byHash = new Map<number, Scope>();
  private readonly ids: (Scope | undefined)[] = [];
  private readonly buckets: readonly [Scope, Scope] = [newScope(1, null), newScope(2, null)];
  private readonly freeIds = Array.from({ length: MAX_SCOPES }, (_, i) => MAX_SCOPES + 2 - i);
  /**
   * The bucket that is not being read. What a reading of the other finds and cannot take goes here: so the reading
   * ends, and a key
   * that was passed over again is not taken later in it.
   */
  private lateIndex: 0 | 1 = 0;

  get isEmpty(): boolean {
    return this.byHash.size === 0 && this.buckets.every(isOver);
  }

  get late(): Scope {
    return this.buckets[this.lateIndex];
  }

  /** The bucket that is being read, or would be next. */
  get early(): Scope {
    return this.buckets[this.lateIndex === 0 ? 1 : 0];
  }

  /** What was passed over late is read next. Only when nothing is left in the other bucket. */
  swapBuckets(): void {
    this.lateIndex = this.lateIndex === 0 ? 1 : 0;
  }

  get(hash: number): Scope | undefined {
    return this.byHash.get(hash);
  }

  byId(id: number): Scope | undefined {
    return id <= 2 ? this.buckets[id - 1] : this.ids[id];
  }

  followed(): Scope[] {
    return [...this.byHash.values()];
  }

  all(): Scope[] {
    return [...this.byHash.values(), ...this.buckets.filter((bucket) => !isOver(bucket))];
  }

  /** Follows another one; null where there are too many already. */
  add(hash: number): Scope | null {
    const id = this.freeIds.pop();
    if (id === undefined) return null;
    const scope = newScope(id, hash);
    this.byHash.set(hash, scope);
    this.ids[id] = scope;
    return scope;
  }

  /** Nothing of it is passed over any more. */
  remove(scope: Scope): void {
    scope.from = Infinity;
    scope.last = -1;
    if (scope.hash === null || !this.byHash.delete(scope.hash)) return;
    this.ids[scope.id] = undefined;
    this.freeIds.push(scope.id);
  }

  rules(): Rule[] {
    return this.followed().flatMap(({ hash, ruleFrom }) =>
      hash === null || ruleFrom === Infinity ? [] : [{ hash, from: ruleFrom }],
    );
  }
}

export function isOver(scope: Scope): boolean {
  return scope.from > scope.last;
}

function newScope(id: number, hash: number | null): Scope {
  return {
    id,
    hash,
    workspaceId: null,
    isKey: false,
    from: Infinity,
    last: -1,
    ruleFrom: Infinity,
    closedIn: 0,
    servedIn: 0,
  };
}
