/**
 * Ascending numbers in few bits (Elias 1974, Fano 1971): the low bits of each as they are, the rest in unary. n numbers
 * below
 * u take about n · (2 + log2(u ÷ n)) bits. What is written tells its own length.
 */

/** Enough for any distance between two offsets. */
const MAX_LOW_BITS = 52;

/**
 * Bytes that `count` numbers below `universe` take at most. Rises with both, so what fits still fits when either
 * shrinks.
 */
export function eliasFanoBytes(count: number, universe: number): number {
  if (count === 0) return 1;
  return varintBytes(count) + 1 + Math.ceil(bitsWith(bestLowBits(count, universe), count, universe) / 8);
}

/** @param numbers ascending, without repetition, from 0 to 2^53 − 1 */
export function encodeEliasFano(numbers: readonly number[]): Buffer {
  const count = numbers.length;
  const head: number[] = [];
  pushVarint(head, count);
  if (count === 0) return Buffer.from(head);
  const universe = (numbers.at(-1) ?? 0) + 1;
  const lowBits = bestLowBits(count, universe);
  head.push(lowBits);
  const bits = Buffer.alloc(Math.ceil(bitsWith(lowBits, count, universe) / 8));
  const unit = 2 ** lowBits;
  let highAt = count * lowBits;
  let last = 0;
  for (const [index, number] of numbers.entries()) {
    const high = Math.floor(number / unit);
    let low = number - high * unit;
    for (let bit = 0; low > 0; bit++, low = Math.floor(low / 2)) if (low % 2 === 1) setBit(bits, index * lowBits + bit);
    highAt += high - last;
    last = high;
    setBit(bits, highAt++);
  }
  return Buffer.concat([Buffer.from(head), bits]);
}

/** Reads what `encodeEliasFano` wrote, from `at` on to the end; null where it is not that. */
export function decodeEliasFano(bytes: Buffer, at: number): number[] | null {
  const count = readVarint(bytes, at);
  if (count === null) return null;
  if (count.value === 0) return count.end === bytes.length ? [] : null;
  const lowBits = bytes[count.end];
  const bits = bytes.subarray(count.end + 1);
  if (lowBits === undefined || lowBits > MAX_LOW_BITS || count.value * (lowBits + 1) > bits.length * 8) return null;
  const unit = 2 ** lowBits;
  const numbers: number[] = [];
  let highAt = count.value * lowBits;
  let high = 0;
  while (numbers.length < count.value) {
    if (highAt >= bits.length * 8) return null;
    if (!isSet(bits, highAt++)) {
      high++;
      continue;
    }
    let low = 0;
    for (let bit = lowBits - 1; bit >= 0; bit--) low = low * 2 + (isSet(bits, numbers.length * lowBits + bit) ? 1 : 0);
    const number = high * unit + low;
    if (number > Number.MAX_SAFE_INTEGER || number <= (numbers.at(-1) ?? -1)) return null;
    numbers.push(number);
  }
  return numbers;
}

export function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}

export function readVarint(bytes: Buffer, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value += (byte % 128) * 128 ** i;
    if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? { value, end: at + i + 1 } : null;
  }
  return null;
}

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function bitsWith(lowBits: number, count: number, universe: number): number {
  return count * (lowBits + 1) + Math.floor((universe - 1) / 2 ** lowBits);
}

function bestLowBits(count: number, universe: number): number {
  let best = 0;
  for (let low = 1; low <= MAX_LOW_BITS; low++) {
    if (bitsWith(low, count, universe) < bitsWith(best, count, universe)) best = low;
  }
  return best;
}

function setBit(bits: Buffer, index: number): void {
  const at = Math.floor(index / 8);
  bits[at] = (bits[at] ?? 0) | (1 << (index % 8));
}

function isSet(bits: Buffer, index: number): boolean {
  return ((bits[Math.floor(index / 8)] ?? 0) & (1 << (index % 8))) !== 0;
}
