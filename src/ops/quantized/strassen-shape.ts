// The memory of the int8 Strassen kernel: weights as sums of quarters, bands, scratch, and what it costs.
// assembly/kernels/qs8-strassen.ts draws the same memory.
import { type ConvGeometry, type ConvOutput, type ConvWeights, convShapeWords, isMatrix, type PanelViews } from "./conv-shape.ts";

/** How often matrices are cut into quarters. */
export type Levels = 1 | 2;

/** True for the products that the kernel computes. */
export const isStrassen = (g: ConvGeometry, levels: Levels): boolean =>
  isMatrix(g) && g.inChannels % (8 * levels) === 0 && g.outChannels % (8 << levels) === 0;

/** Rows of a band at most. From 80 to 200 the speed is the same within 2 %; fewer bands read the weights less often. */
const BAND_ROWS = 200;

export const strassenBands = (g: ConvGeometry): number => Math.ceil(g.outHeight / BAND_ROWS);

const bandRows = (g: ConvGeometry): number => Math.ceil(g.outHeight / strassenBands(g));

/** Rows of a part of a band. */
const partRows = (g: ConvGeometry, levels: Levels): number => Math.ceil(bandRows(g) / 2 ** levels);

/** Tiles of all parts of a band. */
const bandTiles = (g: ConvGeometry, levels: Levels): number => Math.ceil(partRows(g, levels) / 4) * 2 ** levels;

/** What sums cost: of every multiply-add, and as so many elements and columns of the product. */
const SUMS = { 1: { share: 0, elements: 3, columns: 3 }, 2: { share: 0.03, elements: 14, columns: 6 } } as const;

/** Multiply-adds in whose time an int16 weight comes from memory. Measured is one; memory may be slower elsewhere. */
const ADDS_PER_WEIGHT = 2;

/** Fewer rows share a panel too rarely to be fast, unless it is short, by two levels, or they are long, by one. */
const [FEW_ROWS, LONG_ROWS] = [100, 1024];

/**
 * Multiply-adds of the direct kernel in whose time this one is done: seven products for eight, of whole tiles but for a last
 * one of a single row, sums, and 1.75 or 3.06 times the weights. It is taken where that is 3 % less. GOP/s, direct, one level
 * and two, relaxed in Node 24 with 24 MB of weights in turns:
 *
 * | m × n × k | direct | one level | two levels |
 * |---|---|---|---|
 * | 3136×128×64 | 76 | 79 | 72 |
 * | 3136×128×128 | 83 | 88 | 88 |
 * | 784×256×256 | 89 | 96 | 100 |
 * | 196×512×512 | 90 | 99 | 108 |
 * | 49×1024×512 | 80 | 82 | 93 |
 * | 49×1024×1024 | 83 | 84 | 97 |
 * | 49×2048×512 | 80 | 84 | 96 |
 * | 49×512×2048 | 83 | 91 | 77 |
 */
export function strassenCost(g: ConvGeometry, levels: Levels): number {
  const [n, k, rows] = [g.outChannels, g.inChannels, partRows(g, levels)];
  if (g.outHeight < FEW_ROWS && (levels === 1) !== k > LONG_ROWS) return Infinity;
  const { share, elements, columns } = SUMS[levels];
  const costlyRows = 2 ** levels * strassenBands(g) * (rows % 4 === 1 ? rows + 0.5 : Math.ceil(rows / 4) * 4);
  const perProduct = (7 / 8) ** levels + share + elements / k + columns / n;
  return ((costlyRows * perProduct + ((7 / 4) ** levels - 1) * ADDS_PER_WEIGHT) * n * k) / 0.97;
}

/** Bytes of heads and panels. */
export const strassenBytes = (g: ConvGeometry, levels: Levels): number =>
  g.outChannels * 8 + 2 * (7 / 4) ** levels * g.inChannels * g.outChannels;

/** A block of zeros; tiles of A and of as many sums; their int32 product; of two levels a quarter of both again. */
export function strassenScratchBytes(g: ConvGeometry, levels: Levels): number {
  const [tiles, sums] = [bandTiles(g, levels) * 8 * g.inChannels, bandTiles(g, levels) * 16 * g.outChannels];
  return 128 + 2 * tiles + sums + (levels - 1) * (tiles / 4 + sums / 4);
}

/** The words of a ConvShape for the Strassen kernel. */
export const strassenShapeWords = (g: ConvGeometry, output: ConvOutput, levels: Levels): Int32Array =>
  convShapeWords(g, output, 2, { band: bandRows(g), panelBytes: 0, runs: levels });

/** B11, T2, T1, T3, B21, B22 and −T4 of the transpose of B[k, columns]. */
function quartersOf(b: Int16Array, columns: number, k: number): Int16Array[] {
  const [half, size] = [k / 2, (columns * k) / 4];
  const quarters = Array.from({ length: 7 }, () => new Int16Array(size));
  const [q1, q2, q3, q4, q5, q6, q7] = quarters as [Int16Array, Int16Array, Int16Array, Int16Array, Int16Array, Int16Array, Int16Array];
  for (let at = 0; at < size; at++) {
    const left = at + Math.floor(at / half) * half;
    const [b11, b21, b12, b22] = [b[left]!, b[left + half]!, b[left + 2 * size]!, b[left + 2 * size + half]!];
    q1[at] = b11;
    q2[at] = b22 - b12 + b11;
    q3[at] = b12 - b11;
    q4[at] = b22 - b12;
    q5[at] = b21;
    q6[at] = b22;
    q7[at] = b21 - b22 + b12 - b11;
  }
  return quarters;
}

/** Writes the transpose of B[k, columns], or seven quarters of it, as panels from `at` on; returns where they end. */
function packProducts(to: Int16Array, at: number, b: Int16Array, columns: number, k: number, levels: number): number {
  if (levels === 0) {
    for (let j = 0; j < columns; j++) {
      const lane = at + (j >> 3) * 8 * k + (j & 7) * 2;
      for (let i = 0; i < k; i++) to[lane + (i >> 1) * 16 + (i & 1)] = b[j * k + i]!;
    }
    return at + columns * k;
  }
  return quartersOf(b, columns, k).reduce((end, quarter) => packProducts(to, end, quarter, columns / 2, k / 2, levels - 1), at);
}

/** Writes heads and panels. The weights are [outChannels, inChannels]: the transpose of B. */
export function packStrassen(target: PanelViews, g: ConvGeometry, { weight, zeros, bias, scales }: ConvWeights, levels: Levels): void {
  const [k, n] = [g.inChannels, g.outChannels];
  for (let channel = 0; channel < n; channel++) {
    const head = (channel >> 3) * 16 + (channel & 7);
    target.i32[head] = bias?.[channel] ?? 0;
    target.f32[head + 8] = scales[scales.length === 1 ? 0 : channel] ?? 0;
  }
  const b = Int16Array.from({ length: n * k }, (_, at) => weight[at]! - (zeros[zeros.length === 1 ? 0 : Math.floor(at / k)] ?? 0));
  packProducts(target.i16, n * 4, b, n, k, levels);
}
