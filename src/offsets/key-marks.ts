const MIN_SLOTS = 64;
/** Of the slots, at most so many are used. */
const MOST_USED = 0.7;
/** Nobody's: the slot is free. */
const FREE = 0;
const SLOT_BYTES = 11;
/** Keys are looked through again once one in so many records was taken. */
const LOOKED_THROUGH = 16;
const MAX_DISTANCE = 0xffffffff;

/** Memory for the keys of all partitions of a replica. */
export class KeyMarksBudget {
  bytes = 0;

  constructor(readonly maxBytes: number) {}
}

/**
 * For each key of which a record was passed over: where the last one is, and for whose sake. Eleven bytes for a key and
 * its share
 * of free slots. Keys are known by 48 bits of a hash; two keys with the same are one key, of which more is passed over
 * than need be.
 */
export class KeyMarks {
  private slots = MIN_SLOTS;
  private used = 0;
  /** Records that were taken since the keys were last looked through. */
  private taken = 0;
  private low = new Uint32Array(MIN_SLOTS);
  private high = new Uint16Array(MIN_SLOTS);
  /** Distance of the last offset from `origin`. */
  private last = new Uint32Array(MIN_SLOTS);
  private owners = new Uint8Array(MIN_SLOTS);

  /**
   * @param origin no offset is below it
   * @param isPassed whether the record at an offset is passed over still, for its owner's sake: a key without one is
   * forgotten
   */
  constructor(
    private origin: number,
    private readonly isPassed: (offset: number, owner: number) => boolean,
    private readonly budget: KeyMarksBudget,
  ) {
    budget.bytes += MIN_SLOTS * SLOT_BYTES;
  }

  /** Gives the memory back. */
  dispose(): void {
    this.budget.bytes -= this.slots * SLOT_BYTES;
  }

  /** A record that was passed over is so no more: its key may be free. */
  countTaken(): void {
    this.taken++;
  }

  /** Whether another key finds room. */
  hasRoom(): boolean {
    if (this.used + 1 <= this.slots * MOST_USED) return true;
    if (this.budget.bytes + this.slots * SLOT_BYTES <= this.budget.maxBytes) return true;
    // Looking through all keys pays only where some are likely to be free.
    if (this.taken * LOOKED_THROUGH < this.used) return false;
    this.rebuild(this.slots);
    return this.used + 1 <= this.slots * MOST_USED;
  }

  /** Keys that take up memory. */
  get size(): number {
    return this.used;
  }

  /** Whose the key is, from 1; 0 where nothing of it is passed over. */
  ownerOf(key: number): number {
    const slot = this.slotOf(key);
    const owner = this.owners[slot] ?? FREE;
    return owner !== FREE && this.isPassed(this.origin + (this.last[slot] ?? 0), owner) ? owner : FREE;
  }

  /** The last offset of a key that has an owner. */
  lastOf(key: number): number {
    return this.origin + (this.last[this.slotOf(key)] ?? 0);
  }

  /** @param owner from 1 to 255 */
  set(key: number, lastOffset: number, owner: number): void {
    if (lastOffset - this.origin > MAX_DISTANCE) this.rebuild(this.slots);
    let slot = this.slotOf(key);
    if (this.owners[slot] === FREE) {
      if (this.used + 1 > this.slots * MOST_USED) {
        this.grow();
        slot = this.slotOf(key);
      }
      this.used++;
      this.low[slot] = key % 0x100000000;
      this.high[slot] = Math.floor(key / 0x100000000);
    }
    this.last[slot] = lastOffset - this.origin;
    this.owners[slot] = owner;
  }

  /** The key's slot, or the free one where it belongs. */
  private slotOf(key: number): number {
    const low = key % 0x100000000;
    const high = Math.floor(key / 0x100000000);
    let slot = Math.imul(low ^ (high << 16), 0x9e3779b1) >>> Math.clz32(this.slots - 1);
    while (this.owners[slot] !== FREE && (this.low[slot] !== low || this.high[slot] !== high)) {
      slot = (slot + 1) & (this.slots - 1);
    }
    return slot;
  }

  private grow(): void {
    const live = this.liveSlots().length;
    let slots = this.slots;
    while (live * 2 > slots * MOST_USED) slots *= 2;
    this.rebuild(slots);
  }

  private liveSlots(): number[] {
    const live: number[] = [];
    for (let slot = 0; slot < this.slots; slot++) {
      const owner = this.owners[slot] ?? FREE;
      if (owner !== FREE && this.isPassed(this.origin + (this.last[slot] ?? 0), owner)) live.push(slot);
    }
    return live;
  }

  /** Forgets the keys of which nothing is passed over any more. */
  private rebuild(slots: number): void {
    const { low, high, last, owners, origin } = this;
    const live = this.liveSlots();
    this.budget.bytes += (slots - this.slots) * SLOT_BYTES;
    this.slots = slots;
    this.low = new Uint32Array(slots);
    this.high = new Uint16Array(slots);
    this.last = new Uint32Array(slots);
    this.owners = new Uint8Array(slots);
    this.used = 0;
    this.taken = 0;
    let nearest = MAX_DISTANCE;
    for (const slot of live) nearest = Math.min(nearest, last[slot] ?? 0);
    if (live.length > 0) this.origin += nearest;
    for (const slot of live) {
      const key = (high[slot] ?? 0) * 0x100000000 + (low[slot] ?? 0);
      this.set(key, origin + (last[slot] ?? 0), owners[slot] ?? FREE);
    }
  }
}
