/** Offsets in one chunk. */
const CHUNK = 1_024;
const WORDS = CHUNK / 32;

/** Where the words of either bit begin in a chunk, and the number of all bits that are set. */
const NOT_DONE = 0;
const RULED = WORDS;
const BITS_SET = 2 * WORDS;

type Chunk = Uint32Array;

const EMPTY = newChunk(0, 0);
/**
 * Chunks in which all is alike are shared, so that a million records passed over in a row are a thousand entries of a
 * map.
 */
const ALL_OPEN = newChunk(0xffffffff, 0);
const ALL_RULED = newChunk(0xffffffff, 0xffffffff);

/** Which bits are asked for. */
export type Mask = 'notDone' | 'exceptions';

/**
 * Two bits for each offset: whether it is not done, and whether a rule covers it. Chunks without any take nothing, so
 * gaps and
 * whatever is done are free. An exception is an offset of which the two bits differ: done although a rule covers it, or
 * not done although none does.
 */
export class OffsetBits {
  private readonly chunks = new Map<number, Chunk>();
  /** An empty chunk to be used again: whoever has one command in hand at a time would make one for each. */
  private spare: Chunk | null = null;
  private notDone = 0;
  private exceptions = 0;
  private forgotten = 0;

  /** How many offsets are not done. */
  get notDoneCount(): number {
    return this.notDone;
  }

  get exceptionCount(): number {
    return this.exceptions;
  }

  /** Chunks that have memory of their own. */
  get chunkCount(): number {
    return [...this.chunks.values()].filter((chunk) => chunk !== ALL_OPEN && chunk !== ALL_RULED).length;
  }

  isNotDone(offset: number): boolean {
    return this.bit(offset, NOT_DONE);
  }

  isRuled(offset: number): boolean {
    return this.bit(offset, RULED);
  }

  set(offset: number, isNotDone: boolean, isRuled: boolean): void {
    const wasNotDone = this.isNotDone(offset);
    const wasRuled = this.isRuled(offset);
    if (wasNotDone === isNotDone && wasRuled === isRuled) return;
    const index = Math.floor(offset / CHUNK);
    const chunk = this.own(index);
    const at = offset - index * CHUNK;
    write(chunk, NOT_DONE, at, isNotDone);
    write(chunk, RULED, at, isRuled);
    chunk[BITS_SET] =
      (chunk[BITS_SET] ?? 0) + Number(isNotDone) - Number(wasNotDone) + Number(isRuled) - Number(wasRuled);
    this.notDone += Number(isNotDone) - Number(wasNotDone);
    this.exceptions += Number(isNotDone !== isRuled) - Number(wasNotDone !== wasRuled);
    this.settleDown(index, chunk);
  }

  /** Whatever is in [from, to) is done, and no rule covers it. */
  clear(from: number, to: number): void {
    this.range(from, to, (words) => words.fill(0));
  }

  /** Nothing below `offset` is asked for any more. Its chunk stays as it is. */
  forgetBefore(offset: number): void {
    const end = Math.floor(offset / CHUNK) * CHUNK;
    if (end > this.forgotten) this.clear(this.forgotten, end);
    this.forgotten = Math.max(this.forgotten, end);
  }

  /** Nothing in [from, to) is done, and no rule covers it. */
  open(from: number, to: number): void {
    for (let index = Math.floor(from / CHUNK); index * CHUNK < to; index++) {
      if (!this.chunks.has(index)) this.chunks.set(index, EMPTY);
    }
    this.range(from, to, (words, keep) => {
      for (let i = 0; i < WORDS; i++) words[NOT_DONE + i] = ~(keep[i] ?? 0);
    });
  }

  /** The first offset in [from, to) that is not done; `to` where all are. */
  firstNotDone(from: number, to: number): number {
    let missing = 0;
    for (let index = Math.floor(from / CHUNK); index * CHUNK < to; index++) {
      const chunk = this.chunks.get(index);
      if (chunk === undefined) {
        // A gap of millions of offsets has far more chunks than there are.
        if (++missing > this.chunks.size) index = this.indexAfter(index) - 1;
        continue;
      }
      for (let word = 0; word < WORDS; word++) {
        for (let bits = wordOf(chunk, 'notDone', word); bits !== 0; bits &= bits - 1) {
          const offset = index * CHUNK + word * 32 + (31 - Math.clz32(bits & -bits));
          if (offset >= from) return Math.min(offset, to);
        }
      }
    }
    return to;
  }

  /** Those in [from, to) that are done, ascending. */
  *done(from: number, to: number): Iterable<number> {
    let next = from;
    for (const notDone of this.offsets('notDone', from, to)) {
      for (; next < notDone; next++) yield next;
      next = notDone + 1;
    }
    for (; next < to; next++) yield next;
  }

  /** Ascending. */
  *offsets(mask: Mask, from: number, to: number): Iterable<number> {
    const lastIndex = Math.floor((to - 1) / CHUNK);
    for (const index of this.indexes(Math.floor(from / CHUNK), lastIndex)) {
      const chunk = this.chunks.get(index) ?? EMPTY;
      for (let word = 0; word < WORDS; word++) {
        let bits = wordOf(chunk, mask, word);
        for (; bits !== 0; bits &= bits - 1) {
          const offset = index * CHUNK + word * 32 + (31 - Math.clz32(bits & -bits));
          if (offset >= to) return;
          if (offset >= from) yield offset;
        }
      }
    }
  }

  count(mask: Mask, from: number, to: number): number {
    let count = 0;
    for (const index of this.indexes(Math.floor(from / CHUNK), Math.floor((to - 1) / CHUNK))) {
      const chunk = this.chunks.get(index) ?? EMPTY;
      const keep = outside(index, from, to);
      for (let word = 0; word < WORDS; word++) count += popCount(wordOf(chunk, mask, word) & ~(keep[word] ?? 0));
    }
    return count;
  }

  /** Changes the bits of [from, to) in each chunk that there is, and keeps those outside of it. */
  private range(from: number, to: number, change: (words: Uint32Array, keep: Uint32Array) => void): void {
    if (from >= to) return;
    for (const index of this.indexes(Math.floor(from / CHUNK), Math.floor((to - 1) / CHUNK))) {
      const before = this.chunks.get(index) ?? EMPTY;
      const keep = outside(index, from, to);
      const after = before.slice();
      change(after, keep);
      for (let i = 0; i < WORDS; i++) {
        const kept = keep[i] ?? 0;
        for (const at of [NOT_DONE + i, RULED + i]) {
          after[at] = ((after[at] ?? 0) & ~kept) | ((before[at] ?? 0) & kept);
        }
        this.notDone += popCount(wordOf(after, 'notDone', i)) - popCount(wordOf(before, 'notDone', i));
        this.exceptions += popCount(wordOf(after, 'exceptions', i)) - popCount(wordOf(before, 'exceptions', i));
      }
      after[BITS_SET] = 0;
      for (let i = 0; i < BITS_SET; i++) after[BITS_SET] += popCount(after[i] ?? 0);
      this.chunks.set(index, after);
      this.settleDown(index, after);
    }
  }

  /** Indexes of chunks from first to last, ascending; only those that there are where that is quicker to find out. */
  private indexes(first: number, last: number): Iterable<number> {
    if (last - first > 4 * this.chunks.size) {
      return [...this.chunks.keys()].filter((index) => index >= first && index <= last).sort((a, b) => a - b);
    }
    const indexes: number[] = [];
    for (let index = first; index <= last; index++) if (this.chunks.has(index)) indexes.push(index);
    return indexes;
  }

  private indexAfter(index: number): number {
    let next = Infinity;
    for (const each of this.chunks.keys()) if (each > index && each < next) next = each;
    return next;
  }

  private bit(offset: number, which: number): boolean {
    const index = Math.floor(offset / CHUNK);
    const at = offset - index * CHUNK;
    return (((this.chunks.get(index)?.[which + (at >> 5)] ?? 0) >>> (at & 31)) & 1) === 1;
  }

  /** The chunk, to be written to. */
  private own(index: number): Chunk {
    const chunk = this.chunks.get(index);
    if (chunk !== undefined && chunk !== ALL_OPEN && chunk !== ALL_RULED && chunk !== EMPTY) return chunk;
    const copy = chunk?.slice() ?? this.spare ?? EMPTY.slice();
    if (copy === this.spare) this.spare = null;
    this.chunks.set(index, copy);
    return copy;
  }

  private settleDown(index: number, chunk: Chunk): void {
    const bits = chunk[BITS_SET] ?? 0;
    if (bits === 0) {
      this.chunks.delete(index);
      this.spare = chunk;
    } else if (bits === 2 * CHUNK) this.chunks.set(index, ALL_RULED);
    else if (bits === CHUNK && isSame(chunk, ALL_OPEN)) this.chunks.set(index, ALL_OPEN);
  }
}

function newChunk(notDone: number, ruled: number): Chunk {
  const chunk = new Uint32Array(2 * WORDS + 1).fill(notDone, NOT_DONE, RULED).fill(ruled, RULED, BITS_SET);
  chunk[BITS_SET] = CHUNK * (Number(notDone !== 0) + Number(ruled !== 0));
  return chunk;
}

/** A bit for each offset of the chunk that is not in [from, to). */
function outside(index: number, from: number, to: number): Uint32Array {
  const keep = new Uint32Array(WORDS);
  const first = Math.max(0, from - index * CHUNK);
  const end = Math.min(CHUNK, to - index * CHUNK);
  if (first === 0 && end === CHUNK) return keep;
  for (let at = 0; at < CHUNK; at++) if (at < first || at >= end) write(keep, 0, at, true);
  return keep;
}

function write(words: Uint32Array, which: number, at: number, isOn: boolean): void {
  const word = which + (at >> 5);
  const bit = 1 << (at & 31);
  words[word] = isOn ? (words[word] ?? 0) | bit : (words[word] ?? 0) & ~bit;
}

function wordOf(chunk: Chunk, mask: Mask, word: number): number {
  const notDone = chunk[NOT_DONE + word] ?? 0;
  return mask === 'notDone' ? notDone | 0 : notDone ^ (chunk[RULED + word] ?? 0);
}

function isSame(a: Chunk, b: Chunk): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
