/** What is known of one recipient on one channel. */
export interface RecipientState {
  inProgress: number;
  /** The number at the end of the last accepted key; null before the first. */
  lastNumber: number | null;
}

/** Counts since the start or the last reset. */
export interface Report {
  /** Requests to the API, however they ended. Control requests are not counted. */
  readonly calls: number;
  /** uniqueAccepted + duplicates + acceptedWithoutKey. */
  readonly accepted: number;
  readonly uniqueAccepted: number;
  /** Acceptances of a key after its first one. */
  readonly duplicates: number;
  readonly acceptedWithoutKey: number;
  /**
   * Keys that end in `-<number>` (but no UUIDs): first acceptances with a lower number than the one before, per channel
   * and recipient.
   */
  readonly orderViolations: number;
  /** Valid calls that began while another call for the same channel and recipient was in progress. */
  readonly overlaps: number;
  /**
   * The most calls in progress at once. A call lasts from its last byte until its answer is written or its connection
   * closes.
   */
  readonly maxConcurrent: number;
  /** By HTTP status; `reset` and `hang` if no status was sent. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byOperation: Readonly<Record<string, number>>;
  /** Calls that were answered 429. */
  readonly limited: number;
  /** In ms since the epoch; null before the first. */
  readonly firstAcceptedAtMs: number | null;
  readonly lastAcceptedAtMs: number | null;
  /** The most acceptances within one second of the clock. */
  readonly acceptedPerSecondPeak: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Remembers the messages that the API took. A million accepted keys take about 200 MB. */
export class Ledger {
  readonly #timesAccepted = new Map<string, number>();
  readonly #recipients = new Map<string, Map<string, RecipientState>>();
  readonly #byStatus = new Map<number | string, number>();
  readonly #byOperation = new Map<string, number>();
  #calls = 0;
  #accepted = 0;
  #duplicates = 0;
  #withoutKey = 0;
  #orderViolations = 0;
  #overlaps = 0;
  #inProgress = 0;
  #maxConcurrent = 0;
  #firstAcceptedAtMs: number | null = null;
  #lastAcceptedAtMs: number | null = null;
  #second = 0;
  #acceptedInSecond = 0;
  #peak = 0;

  /** Created when its first call arrives. */
  recipient(channel: string, id: string): RecipientState {
    let ofChannel = this.#recipients.get(channel);
    if (ofChannel === undefined) this.#recipients.set(channel, (ofChannel = new Map()));
    let state = ofChannel.get(id);
    if (state === undefined) ofChannel.set(id, (state = { inProgress: 0, lastNumber: null }));
    return state;
  }

  /**
   * A call has arrived and its end is decided. `recipient` is null if it could not be read. Each call needs one `end`.
   */
  begin(recipient: RecipientState | null, status: number | string, operation: string | null): void {
    this.#calls++;
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    if (operation !== null) this.#byOperation.set(operation, (this.#byOperation.get(operation) ?? 0) + 1);
    this.#inProgress++;
    if (this.#inProgress > this.#maxConcurrent) this.#maxConcurrent = this.#inProgress;
    if (recipient !== null && recipient.inProgress++ > 0) this.#overlaps++;
  }

  end(recipient: RecipientState | null): void {
    this.#inProgress--;
    if (recipient !== null) recipient.inProgress--;
  }

  /** `key` is '' if the call had none. */
  accept(key: string, recipient: RecipientState, nowMs: number): void {
    this.#accepted++;
    this.#firstAcceptedAtMs ??= nowMs;
    this.#lastAcceptedAtMs = nowMs;
    this.#countSecond(Math.floor(nowMs / 1000));
    if (key === '') {
      this.#withoutKey++;
      return;
    }
    const times = this.#timesAccepted.get(key) ?? 0;
    this.#timesAccepted.set(key, times + 1);
    if (times > 0) {
      this.#duplicates++;
      return;
    }
    const number = trailingNumber(key);
    if (number === null) return;
    if (recipient.lastNumber !== null && number < recipient.lastNumber) this.#orderViolations++;
    recipient.lastNumber = number;
  }

  timesAccepted(key: string): number {
    return this.#timesAccepted.get(key) ?? 0;
  }

  report(): Report {
    return {
      calls: this.#calls,
      accepted: this.#accepted,
      uniqueAccepted: this.#timesAccepted.size,
      duplicates: this.#duplicates,
      acceptedWithoutKey: this.#withoutKey,
      orderViolations: this.#orderViolations,
      overlaps: this.#overlaps,
      maxConcurrent: this.#maxConcurrent,
      byStatus: Object.fromEntries(this.#byStatus),
      byOperation: Object.fromEntries(this.#byOperation),
      limited: this.#byStatus.get(429) ?? 0,
      firstAcceptedAtMs: this.#firstAcceptedAtMs,
      lastAcceptedAtMs: this.#lastAcceptedAtMs,
      acceptedPerSecondPeak: this.#peak,
    };
  }

  #countSecond(second: number): void {
    if (second !== this.#second) {
      this.#second = second;
      this.#acceptedInSecond = 0;
    }
    if (++this.#acceptedInSecond > this.#peak) this.#peak = this.#acceptedInSecond;
  }
}

/** The last group of a UUID can be all digits, but says nothing about order. */
function trailingNumber(key: string): number | null {
  let start = key.length;
  while (start > 0 && isDigit(key.charCodeAt(start - 1))) start--;
  if (start === key.length || start === 0 || key[start - 1] !== '-' || UUID.test(key)) return null;
  return Number(key.slice(start));
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
