import type { CommittedOwnership } from './committed-offsets';

/** How much longer than a call may take a member waits for one that does not release; that one stops half of it earlier. */
const MARGIN_MS = 5_000;

/** What the group's commit says of a partition that a member was assigned. */
export type Title =
  /** It has been claimed by this very member. */
  | 'own'
  /** It may be claimed: released, never claimed, or last this process' own under an earlier member id. */
  | 'free'
  /** Another member may have calls of it on the wire, for as long as the group has that member. */
  | 'held'
  /** As `held`, by a member that only a newer release can name. */
  | 'unknown';

/**
 * @param tag the member's
 * @param formerTag that under which this process had the partition before; null where it never had
 */
export function titleOf(ownership: CommittedOwnership, tag: string, formerTag: string | null): Title {
  if (ownership === null) return 'unknown';
  const { owner, state } = ownership;
  if (owner === null || state === 'released') return 'free';
  if (owner === tag) return 'own';
  return owner === formerTag ? 'free' : 'held';
}

/** Whether a member may claim what it was assigned. */
export function mayClaim(title: Title, isOwnerAlive: boolean, isPatienceOver: boolean): boolean {
  switch (title) {
    case 'own':
      return false;
    case 'free':
      return true;
    case 'held':
      return isPatienceOver || !isOwnerAlive;
    case 'unknown':
      return isPatienceOver;
  }
}

/** For how long a member waits for a live one to release, from its assignment on. */
export function claimPatienceMs(callTimeoutMs: number): number {
  return callTimeoutMs + MARGIN_MS;
}

/** For how long a member tries to release, from its loss on. */
export function releaseWindowMs(callTimeoutMs: number): number {
  return callTimeoutMs + MARGIN_MS / 2;
}
