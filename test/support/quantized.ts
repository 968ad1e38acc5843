// Naive int32 references of the int8 kernels' arithmetic, one multiplication at a time.

/** Nearest integer, ties to even. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

export const clampTo = (value: number, lo: number, hi: number) => Math.min(Math.max(value, lo), hi);

/** An int32 sum as int8: times a float32 scale in float32, half to even, plus the zero point, clamped. */
export function requantize(sum: number, scale: number, zero: number, lo = -128, hi = 127): number {
  return clampTo(roundHalfEven(Math.fround(Math.fround(sum) * Math.fround(scale))) + zero, lo, hi);
}

/** A small generator of [0, 1), so that a failing case prints as its seed. */
export function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** Bytes with the two ends over-represented, so that sums saturate. */
export function randomInt8(next: () => number, length: number): Int8Array {
  return Int8Array.from({ length }, () => (next() < 0.1 ? (next() < 0.5 ? -128 : 127) : Math.floor(next() * 256) - 128));
}
