// What the tests of the float32 matrix kernels share: random data, and a comparison that knows about sums.
import { epilogueWords, type Finish } from "../../src/ops/pack-f32.ts";
import type { KernelBench } from "./kernels.ts";
import type { Conv } from "./naive-conv.ts";

/** Repeatable numbers in [−1, 1). */
export function randomFloats(length: number, seed = 1): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Throws where `got` is further from `expected` than `tolerance` times the largest value expected. */
export function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  if (got.length !== expected.length) throw new Error(`${got.length} values where ${expected.length} were expected`);
  let largest = 1;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(got[i]! - expected[i]!);
    if (!(difference <= tolerance * largest)) throw new Error(`element ${i}: got ${got[i]}, expected ${expected[i]}`);
  }
}

/** The epilogue's words in a bench's memory. */
export const putEpilogue = (bench: KernelBench, finish: Finish = {}): number => bench.put(epilogueWords(finish));

/** The words of a shape struct in a bench's memory, in the order of the struct's fields. */
export const putWords = (bench: KernelBench, words: Record<string, number>): number => bench.put(Int32Array.from(Object.values(words)));

/** Naive product with float64 sums: a[m, k] · b[k, n] + bias. */
export function naiveProduct(
  a: Float32Array,
  b: Float32Array,
  bias: ArrayLike<number> | undefined,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = bias ? bias[j]! : 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[p * n + j]!;
      y[i * n + j] = sum;
    }
  return y;
}

/** The words of `ConvShape` in a bench's memory. */
export const putConvShape = (bench: KernelBench, conv: Conv, { ldy = conv.outChannels, bandRows = 1 } = {}): number =>
  putWords(bench, {
    inHeight: conv.inHeight,
    inWidth: conv.inWidth,
    inChannels: conv.inChannels,
    outHeight: conv.outHeight,
    outWidth: conv.outWidth,
    outChannels: conv.outChannels / conv.groups,
    groups: conv.groups,
    groupChannels: conv.inChannels / conv.groups,
    kernelHeight: conv.kernelHeight,
    kernelWidth: conv.kernelWidth,
    strideHeight: conv.strideHeight,
    strideWidth: conv.strideWidth,
    dilationHeight: conv.dilationHeight,
    dilationWidth: conv.dilationWidth,
    padTop: conv.padTop,
    padLeft: conv.padLeft,
    ldy,
    ldr: conv.outChannels,
    bandRows,
  });
