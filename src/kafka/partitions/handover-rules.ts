import type { CommittedOwnership } from './committed-offsets';

/**
 * A new owner waits for the former one to release, for as long as a call may take plus this margin. The former owner
 * stops trying to release half of the margin earlier, so that the two never overlap.
 */
const MARGIN_MS = 5_000;

/** To whom a partition belongs by the group's commit, seen by a member that it was assigned to. */
export type Title =
  /** This member has claimed it. */
  | 'own'
  /** It may be claimed: it was released, never claimed, or last claimed by this process under an earlier member id. */
  | 'free'
  /** Another member has claimed it, and may have calls on the wire for as long as it is in the group. */
  | 'claimed'
  /** As `claimed`, but only a newer release can read by which member. */
  | 'unknown';

/**
 * @param tag the asking member's tag
 * @param formerTag the tag under which this process last claimed the partition; null if it never did
 */
export function titleOf(ownership: CommittedOwnership, tag: string, formerTag: string | null): Title {
  if (ownership === null) return 'unknown';
  const { owner, state } = ownership;
  if (owner === null || state === 'released') return 'free';
  if (owner === tag) return 'own';
  return owner === formerTag ? 'free' : 'claimed';
}

/**
 * Whether a member may claim a partition that was assigned to it.
 *
 * @param isOwnerGone whether its owner had left the group before the commit was read. Kafka gives a member id only
 *   once, so the owner commits nothing after that
 */
export function mayClaim(title: Title, isOwnerGone: boolean, isPatienceOver: boolean): boolean {
  switch (title) {
    case 'own':
      return false;
    case 'free':
      return true;
    case 'claimed':
      return isPatienceOver || isOwnerGone;
    case 'unknown':
      return isPatienceOver;
  }
}

/** How long a new owner waits for a live former owner to release, counted from the assignment. */
export function claimPatienceMs(callTimeoutMs: number): number {
  return callTimeoutMs + MARGIN_MS;
}

/** How long a former owner tries to release, counted from the loss. */
export function releaseWindowMs(callTimeoutMs: number): number {
  return callTimeoutMs + MARGIN_MS / 2;
}
