// What the int8 pooling kernel is told in memory; assembly/kernels/qs8-pool.ts draws the same words.
import type { Steps } from "./steps.ts";

/** The largest, an average that is requantized, or one that is a quotient of steps with halves away from zero or up. */
export const POOL = { max: 0, average: 1, half_away: 2, half_up: 3 } as const;

/** The words of a PoolShape. */
export function poolShapeWords(kind: keyof typeof POOL, channels: number, x: Steps, y: Steps, lo: number, hi: number): Int32Array {
  const words = Int32Array.of(channels, POOL[kind], lo, hi, x.zero, y.zero, 0, 0);
  new Float32Array(words.buffer).set([x.scale, y.scale], 6);
  return words;
}

/** The words of an AverageShape; assembly/kernels/qs8-average.ts draws the same. */
export function averageShapeWords(channels: number, x: Steps, y: Steps, lo: number, hi: number): Int32Array {
  const words = Int32Array.of(channels, lo, hi, x.zero, y.zero, 0, 0);
  new Float32Array(words.buffer).set([x.scale, y.scale], 5);
  return words;
}
