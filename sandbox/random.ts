/** A repeatable source of numbers in [0, 1). */
export type Random = () => number;

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, enough to spread faults and jitter. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mix(state);
  };
}

/**
 * A number in [0, 1) that depends only on its arguments. Chance by key, not by arrival, gives a command the same result
 * in every run, however the calls interleave.
 */
export function drawFor(seed: number, key: string, nth: number): number {
  // FNV-1a, 32 bits.
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return mix((hash + Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) + Math.imul(nth + 1, 0x6d2b79f5)) >>> 0);
}

function mix(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
