// Comparisons with a word for the tolerance.
import { expect } from "vitest";
import { ulps } from "./functions.ts";

/** Every element within `ulp` float32 steps of the expected one, or within `absolute`. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, { ulp = 0, absolute = 0 } = {}): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [got, want] = [actual[i]!, expected[i]!];
    if (Math.abs(got - want) <= absolute) continue;
    const error = ulps(got, want);
    if (!(error <= ulp)) expect.fail(`element ${i}: ${got}, expected ${want}, ${error} ulp off`);
  }
}

/** Deterministic numbers in [−4, 4), a different run for every seed. */
export function numbers(length: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 8 - 4;
  });
}

/** [0, cut) and [cut, n): the splits that a kernel must give the same bits for. */
export function splitsOf(n: number): (readonly [number, number])[] {
  const cut = n >> 1;
  return [
    [0, cut],
    [cut, n],
  ];
}
