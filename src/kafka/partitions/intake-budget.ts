/** The commands in memory of one partition. */
export interface Holding {
  commands: number;
  bytes: number;
}

/**
 * Memory for commands, shared by all partitions of a replica. A partition may use as much as is still free (dynamic
 * thresholds, Choudhury and Hahne 1998, with factor 1): one alone gets half of the budget, n equally busy ones get
 * 1/(n+1) each. So a backlog on one partition never takes the room of the others. And a long queue for one slow
 * recipient does not hide the commands behind it, as long as there is room.
 */
export class IntakeBudget {
  private readonly used: Holding = { commands: 0, bytes: 0 };

  constructor(private readonly limit: Readonly<{ maxCommands: number; maxBytes: number }>) {}

  get commands(): number {
    return this.used.commands;
  }

  get bytes(): number {
    return this.used.bytes;
  }

  add(holding: Holding, bytes: number): void {
    this.shift(holding, 1, bytes);
  }

  remove(holding: Holding, bytes: number): void {
    this.shift(holding, -1, -bytes);
  }

  /**
   * Whether the partition must pause. One without commands in memory never must: no event of its own would resume it.
   */
  isOver(holding: Readonly<Holding>): boolean {
    if (holding.commands === 0) return false;
    return holding.commands >= this.freeCommands() || holding.bytes >= this.freeBytes();
  }

  /** Whether a paused partition may resume. */
  isLow(holding: Readonly<Holding>): boolean {
    return holding.commands * 2 <= this.freeCommands() && holding.bytes * 2 <= this.freeBytes();
  }

  private freeCommands(): number {
    return Math.max(0, this.limit.maxCommands - this.used.commands);
  }

  private freeBytes(): number {
    return Math.max(0, this.limit.maxBytes - this.used.bytes);
  }

  private shift(holding: Holding, commands: number, bytes: number): void {
    holding.commands += commands;
    holding.bytes += bytes;
    this.used.commands += commands;
    this.used.bytes += bytes;
  }
}
