// Weights of the float32 matrix kernels as those read them: panels of eight columns, bias first
// (drawn in assembly/lib/f32-panel.ts), and the words that say what a call does besides multiplying.
import { UnaryCode } from "./codes.ts";

/** Columns of a panel. */
export const PANEL = 8;

/** Floats of B[k, n] with its bias, packed. */
export const panelFloats = (n: number, k: number): number => Math.ceil(n / PANEL) * PANEL * (k + 1);

/** A matrix B[k, n] in memory: element (i, j) is data[offset + i · rowStride + j · colStride]. */
export interface Matrix {
  readonly data: Float32Array;
  readonly offset?: number;
  readonly n: number;
  readonly k: number;
  readonly rowStride: number;
  readonly colStride: number;
}

/** Packs B and bias[n] into `to` from float `at` on; columns past n are zero. */
export function packPanels(
  to: Float32Array,
  at: number,
  { data, offset = 0, n, k, rowStride, colStride }: Matrix,
  bias?: ArrayLike<number>,
): void {
  for (let column = 0; column < n; column += PANEL) {
    const cols = Math.min(n - column, PANEL);
    for (let j = 0; j < cols; j++) {
      to[at + j] = bias ? bias[column + j]! : 0;
      let from = offset + (column + j) * colStride;
      let target = at + PANEL + j;
      for (let i = 0; i < k; i++) {
        to[target] = data[from]!;
        from += rowStride;
        target += PANEL;
      }
    }
    at += PANEL * (k + 1);
  }
}

/** Packs convolution weights OHWI[filters, k] of `groups` groups, each as its own panels. */
export function packFilters(
  to: Float32Array,
  weights: Float32Array,
  bias: ArrayLike<number> | undefined,
  filters: number,
  k: number,
  groups: number,
): void {
  const n = filters / groups;
  for (let group = 0; group < groups; group++) {
    const matrix = { data: weights, offset: group * n * k, n, k, rowStride: 1, colStride: k };
    packPanels(to, group * panelFloats(n, k), matrix, bias && Array.prototype.slice.call(bias, group * n, (group + 1) * n));
  }
}

/** What happens to a sum after bias and residual: the function, then the clamp. */
export interface Finish {
  readonly lo?: number;
  readonly hi?: number;
  readonly activation?: UnaryCode;
  readonly p0?: number;
  readonly p1?: number;
}

/** The words of `Epilogue` in assembly/lib/f32-epilogue.ts. */
export function epilogueWords({ lo = -Infinity, hi = Infinity, activation = UnaryCode.none, p0 = 0, p1 = 0 }: Finish): Int32Array {
  const words = new Int32Array(5);
  words.set(new Int32Array(new Float32Array([lo, hi, 0, p0, p1]).buffer));
  words[2] = activation;
  return words;
}

/** Floats of depthwise weights, packed. */
export const depthwiseFloats = (channels: number, taps: number): number => Math.ceil(channels / 4) * 4 * (taps + 1);

/** Packs depthwise weights OHWI[channels, taps] by blocks of four channels (drawn in assembly/lib/f32-depthwise.ts). */
export function packDepthwise(
  to: Float32Array,
  weights: Float32Array,
  bias: ArrayLike<number> | undefined,
  channels: number,
  taps: number,
): void {
  for (let channel = 0; channel < channels; channel++) {
    const at = Math.floor(channel / 4) * 4 * (taps + 1) + (channel % 4);
    to[at] = bias ? bias[channel]! : 0;
    for (let tap = 0; tap < taps; tap++) to[at + 4 * (tap + 1)] = weights[channel * taps + tap]!;
  }
}
