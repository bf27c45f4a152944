import type { Channel, MessageType } from './channels';

/** All outcomes. docs/contract.md explains them. */
export const OUTCOMES = ['accepted', 'rejected', 'invalid', 'expired', 'failed', 'in-doubt'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Where a command was read. `offset` is decimal text, since a double cannot hold every offset. */
export interface Source {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** The Messages API's answer. Absent fields are ''. */
export interface MessageResponse {
  readonly id: string;
  readonly status: string;
  readonly error: string;
}

/** How a command ended. Settlement builds the result from this and the command. */
export interface Settled {
  readonly outcome: Outcome;
  readonly response: MessageResponse;
  /** Number of calls over all rounds. */
  readonly attempts: number;
  /** HTTP status of the last answer; null if there was none. */
  readonly httpStatus: number | null;
}

/** The value of a record on the results topic. */
export interface Result extends MessageResponse {
  readonly commandId: string | null;
  readonly outcome: Outcome;
  readonly channel: Channel;
  readonly type: MessageType | null;
  readonly workspaceId: string | null;
  readonly attempts: number;
  readonly httpStatus: number | null;
  /** ISO 8601, UTC. */
  readonly completedAt: string;
  readonly source: Source;
  /** Present if an earlier record of the command settled it: an earlier result may exist. */
  readonly replayed?: true;
}

/** Whether a command with this outcome gets a dead letter. */
export const DEAD_LETTERED: Readonly<Record<Outcome, boolean>> = {
  accepted: false,
  rejected: true,
  invalid: true,
  expired: false,
  failed: true,
  'in-doubt': true,
};
