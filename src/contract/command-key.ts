import type { Channel } from './channels';

/**
 * The key of a command, unique over all channels and workspaces:
 *
 *     <channel>:<length of the workspace id>:<workspace id>:<command id>
 *
 * The length makes it unique, whatever characters the ids have.
 */
export function commandKey(channel: Channel, workspaceId: string, commandId: string): string {
  return `${channel}:${workspaceId.length}:${workspaceId}:${commandId}`;
}
