// The weights of a product by Strassen's algorithm: seven quarter matrices, sums of B's quarters, as panels for
// assembly/kernels/f32-strassen.ts (where they are named).
import { type Matrix, PANEL, packPanels, panelFloats } from "./pack-f32.ts";

/** Columns of the left quarters; the right ones have the rest. */
const leftOf = (n: number): number => Math.ceil(n / (2 * PANEL)) * PANEL;

/** Floats of the seven quarters of B[k, n], packed. `k` is even. */
export const strassenFloats = (n: number, k: number): number => 7 * panelFloats(leftOf(n), k / 2);

/** Packs B and bias[n] into `to`. */
export function packStrassen(to: Float32Array, { data, offset = 0, n, k, rowStride, colStride }: Matrix, bias?: ArrayLike<number>): void {
  const [left, half] = [leftOf(n), k / 2];
  const [leftBias, rightBias] = [Float32Array.from({ length: left }, (_, j) => bias?.[j] ?? 0), new Float32Array(left)];
  for (let j = left; j < n; j++) rightBias[j - left] = bias?.[j] ?? 0;
  const [down, across] = [half * rowStride, left * colStride];
  /** The quarter f(b11, b12, b21, b22), with zeros in the columns that the right quarters lack. */
  const quarterOf = (f: (b11: number, b12: number, b21: number, b22: number) => number): Matrix => {
    const quarter = new Float32Array(half * left);
    for (let j = 0; j < left; j++) {
      const hasRight = left + j < n;
      for (let i = 0; i < half; i++) {
        const at = offset + i * rowStride + j * colStride;
        const [b12, b22] = hasRight ? [data[at + across]!, data[at + across + down]!] : [0, 0];
        quarter[i * left + j] = f(data[at]!, b12, data[at + down]!, b22);
      }
    }
    return { data: quarter, n: left, k: half, rowStride: left, colStride: 1 };
  };
  const quarters: readonly (readonly [Matrix, Float32Array?])[] = [
    [quarterOf((b11) => b11)],
    [quarterOf((b11, b12, _, b22) => b22 - b12 + b11)],
    [quarterOf((b11, b12) => b12 - b11), rightBias],
    [quarterOf((_, b12, __, b22) => b22 - b12)],
    [quarterOf((_, __, b21) => b21), leftBias],
    [quarterOf((_, __, ___, b22) => b22)],
    [quarterOf((b11, b12, b21, b22) => b21 - b22 + b12 - b11), leftBias],
  ];
  for (const [index, [quarter, terms]] of quarters.entries()) packPanels(to, index * panelFloats(left, half), quarter, terms);
}

/** Rows of a band at most. From 120 to 200 the speed is the same within 2 %; fewer bands read the weights less often. */
const BAND_ROWS = 200;

/** Bands of `m` rows. */
export const strassenBands = (m: number): number => Math.ceil(m / BAND_ROWS);

/** Bytes of scratch (drawn in assembly/kernels/f32-strassen.ts). */
export function strassenScratchBytes(m: number, n: number, k: number): number {
  const rows = Math.ceil(Math.ceil(m / strassenBands(m)) / 2);
  return 4 * rows * ((k / 2 + 16) * 4 + (leftOf(n) + 16) * 4);
}
