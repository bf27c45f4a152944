import type { Delivery, MessageType } from './channels';
import type { Operation } from './operations';

/** A valid command, reduced to what dispatch and settlement need. */
export interface Command {
  readonly id: string;
  readonly operation: Operation;
  readonly workspaceId: string;
  /** Contact id, or phone number without `+`: the ordering key where the record has none, and the recipient's rate limit scope. */
  readonly recipient: string;
  /** The `request` member as JSON: the body of the call. */
  readonly body: string;
  /** Milliseconds since the epoch after which it must not be sent; null for never. */
  readonly expiresAtMs: number | null;
  /** What the command asks for; null where it leaves the choice to the service. */
  readonly delivery: Delivery | null;
}

/** What could still be read of a command that must not be sent; null where absent, invalid or unreadable. */
export interface InvalidCommand {
  readonly id: string | null;
  readonly type: MessageType | null;
  readonly workspaceId: string | null;
  /** One entry per broken field, each opening with the field's path: `request.workspace.id: must be …`. Never empty. */
  readonly violations: readonly string[];
}

export type Decoded =
  { readonly ok: true; readonly command: Command } | { readonly ok: false; readonly invalid: InvalidCommand };
