import type { Delivery, MessageType } from './channels';
import type { Operation } from './operations';

/** A valid command: the parts that dispatch and settlement need. */
export interface Command {
  readonly id: string;
  readonly operation: Operation;
  readonly workspaceId: string;
  /**
   * Contact id, or phone number without `+`. The ordering key if the record has none, and the scope of a rate limit.
   */
  readonly recipient: string;
  /** The `request` member as JSON: the body of the call. */
  readonly body: string;
  /** It must not be sent after this time, in milliseconds since the epoch; null for no such time. */
  readonly expiresAtMs: number | null;
  /** Null if the command names none: the service's default holds. */
  readonly delivery: Delivery | null;
}

/** The readable parts of a command that must not be sent. A part is null if it is absent, invalid or unreadable. */
export interface InvalidCommand {
  readonly id: string | null;
  readonly type: MessageType | null;
  readonly workspaceId: string | null;
  /** One entry per broken field. It begins with the field's path: `request.workspace.id: must be …`. Never empty. */
  readonly violations: readonly string[];
}

export type Decoded =
  { readonly ok: true; readonly command: Command } | { readonly ok: false; readonly invalid: InvalidCommand };
