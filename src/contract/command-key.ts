import type { Channel } from './channels';

/**
 * Names a command among all others, also of other channels and workspaces: `<channel>:<length of the workspace id>:<workspace
 * id>:<command id>`. With the length no two commands share a key, whatever characters their ids have.
 */
export function commandKey(channel: Channel, workspaceId: string, commandId: string): string {
  return `${channel}:${workspaceId.length}:${workspaceId}:${commandId}`;
}
