import type { Channel, MessageType } from './channels';

/** Every way a command can end; see the table of outcomes in docs/contract.md. */
export const OUTCOMES = ['accepted', 'rejected', 'invalid', 'expired', 'failed', 'in-doubt'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Where a command was read. `offset` is the decimal text that Kafka uses, since it can outgrow a double. */
export interface Source {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** The Messages API's answer, its absent fields filled with ''. */
export interface MessageResponse {
  readonly id: string;
  readonly status: string;
  readonly error: string;
}

/** How a command ended, before it is written as a result: what the settlement needs beside the command itself. */
export interface Settled {
  readonly outcome: Outcome;
  readonly response: MessageResponse;
  /** Calls made over all rounds. */
  readonly attempts: number;
  /** Status of the last answer; null where no answer came. */
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
  /** Present where an earlier record of the command brought it to this end, so that an earlier result may exist. */
  readonly replayed?: true;
}

/** Whether an outcome is written to the dead-letter topic too. */
export const DEAD_LETTERED: Readonly<Record<Outcome, boolean>> = {
  accepted: false,
  rejected: true,
  invalid: true,
  expired: false,
  failed: true,
  'in-doubt': true,
};
