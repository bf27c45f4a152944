import type { Channel } from '../../contract/channels';

/** In which what a channel lately needed is halved. */
const HALF_LIFE_MS = 2_000;
/** A channel that needs less than this is idle, and nothing is kept for it. */
const IDLE_BELOW = 0.5;
/** Kept beyond what was needed, so that a channel can grow while another one holds all the rest. */
const HEADROOM = 1.25;

interface Compartment {
  inFlight: number;
  /** Most slots held at once, fading with time. */
  needed: number;
  atMs: number;
}

/**
 * Divides the slots for calls between channels, so that one whose calls hang cannot take them all. Each channel that is
 * in
 * use has an equal share, as far as it lately needed that; what others do not need is free for all, so a channel that
 * is
 * alone has every slot. O(channels).
 */
export class Bulkhead {
  private readonly compartments = new Map<Channel, Compartment>();
  private inFlight = 0;

  /** @param slots calls on the wire at once, over all channels */
  constructor(private readonly slots: number) {}

  /** Whether a channel may have one slot more. */
  mayTake(channel: Channel, nowMs: number): boolean {
    if (this.compartments.size < 2) return true;
    const own = this.compartments.get(channel);
    const others: Compartment[] = [];
    for (const other of this.compartments.values()) {
      if (other !== own && neededOf(other, nowMs) >= IDLE_BELOW) others.push(other);
    }
    if (others.length === 0) return true;
    const share = Math.max(1, Math.floor(this.slots / (others.length + 1)));
    if ((own?.inFlight ?? 0) < share) return true;
    const kept = others.reduce((sum, other) => sum + keptFor(other, share, nowMs), 0);
    return this.slots - this.inFlight > kept;
  }

  taken(channel: Channel, nowMs: number): void {
    let compartment = this.compartments.get(channel);
    if (compartment === undefined) {
      compartment = { inFlight: 0, needed: 0, atMs: nowMs };
      this.compartments.set(channel, compartment);
    }
    this.inFlight++;
    compartment.inFlight++;
    compartment.needed = Math.max(neededOf(compartment, nowMs), compartment.inFlight);
    compartment.atMs = nowMs;
  }

  returned(channel: Channel): void {
    const compartment = this.compartments.get(channel);
    if (compartment === undefined) return;
    this.inFlight--;
    compartment.inFlight--;
  }
}

function neededOf({ inFlight, needed, atMs }: Compartment, nowMs: number): number {
  return Math.max(inFlight, needed * 2 ** ((atMs - nowMs) / HALF_LIFE_MS));
}

function keptFor(compartment: Compartment, share: number, nowMs: number): number {
  const wanted = Math.ceil(neededOf(compartment, nowMs) * HEADROOM) + 1;
  return Math.max(0, Math.min(share, wanted) - compartment.inFlight);
}
