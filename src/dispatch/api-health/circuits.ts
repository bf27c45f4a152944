import type { Channel } from '../../contract/channels';
import { Circuit } from './circuit';
import { WINDOW_MS } from './failure-window';

const SWEEP_EVERY_MS = 10_000;

interface ChannelCircuits {
  readonly circuit: Circuit;
  readonly workspaces: Map<string, Circuit>;
}

/**
 * The circuits of the API, of its channels and of their workspaces. Those of workspaces come with their first call and
 * are
 * forgotten when they are as good as new.
 */
export class Circuits {
  readonly api: Circuit;
  private readonly channels = new Map<Channel, ChannelCircuits>();
  private sweptAtMs = -Infinity;

  /** @param changed is told of each circuit that has opened or closed */
  constructor(
    private readonly maxInFlight: number,
    private readonly changed: (circuit: Circuit) => void,
  ) {
    this.api = new Circuit({ kind: 'api' }, null, maxInFlight, changed);
  }

  /** Which circuits a call of the workspace belongs to: the narrowest one, which knows the others. */
  of(channel: Channel, workspaceId: string): Circuit {
    const { circuit, workspaces } = this.ofChannel(channel);
    let workspace = workspaces.get(workspaceId);
    if (workspace === undefined) {
      workspace = new Circuit({ kind: 'workspace', channel, workspaceId }, circuit, this.maxInFlight, this.changed);
      workspaces.set(workspaceId, workspace);
    }
    return workspace;
  }

  /** The narrowest circuit there is for the workspace. */
  nearest(channel: Channel, workspaceId: string): Circuit {
    const channelCircuits = this.channels.get(channel);
    return channelCircuits?.workspaces.get(workspaceId) ?? channelCircuits?.circuit ?? this.api;
  }

  channel(channel: Channel): Circuit | undefined {
    return this.channels.get(channel)?.circuit;
  }

  /** The circuits of the channels that have had a call. */
  get ofChannels(): ReadonlyMap<Channel, Circuit> {
    return new Map([...this.channels].map(([channel, { circuit }]) => [channel, circuit]));
  }

  /** Whether the API as a whole fails: every channel that had a call in the last 10 s does. */
  isApiDown(nowMs: number): boolean {
    if (this.api.isOpen) return true;
    if (this.api.openWithin.size === 0) return false;
    let isDown = false;
    for (const { circuit } of this.channels.values()) {
      if (circuit.inFlight === 0 && nowMs - circuit.calledAtMs >= WINDOW_MS) continue;
      if (!circuit.isOpen) return false;
      isDown = true;
    }
    return isDown;
  }

  /** To be called now and then. Returns whether it was time to. */
  sweep(nowMs: number): boolean {
    if (nowMs - this.sweptAtMs < SWEEP_EVERY_MS) return false;
    this.sweptAtMs = nowMs;
    for (const { workspaces } of this.channels.values()) {
      for (const [workspaceId, workspace] of workspaces) {
        if (!workspace.isAsNew(nowMs)) continue;
        workspace.retire();
        workspaces.delete(workspaceId);
      }
    }
    return true;
  }

  private ofChannel(channel: Channel): ChannelCircuits {
    let circuits = this.channels.get(channel);
    if (circuits === undefined) {
      const circuit = new Circuit({ kind: 'channel', channel }, this.api, this.maxInFlight, this.changed);
      circuits = { circuit, workspaces: new Map() };
      this.channels.set(channel, circuits);
    }
    return circuits;
  }
}
