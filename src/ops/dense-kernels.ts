// The kernels that multiply a float32 matrix by a constant one, as a table: what each takes, costs and is called with.

import type { TypedArray } from "../graph/types.ts";
import type { Candidate } from "./candidates.ts";
import { type KernelArgument, type LowerContext, offsetBy } from "./define.ts";
import { epilogueOf } from "./finish-f32.ts";
import { foldedRows, foldMatrix, foldWords, type Mirror, type MirroredColumns, mirrorOf } from "./mirror.ts";
import { type Matrix, PANEL, packPanels, panelFloats } from "./pack-f32.ts";
import { packedWeights } from "./packed-weights.ts";
import { FEW_ROWS, isStrassenCheaper, productCost, strassenCost } from "./product-cost.ts";
import { packStrassen, strassenBands, strassenFloats, strassenScratchBytes } from "./strassen-weights.ts";

/** y[m, n] = finish(alpha · a[m, k] · B[k, n] + bias + residual) with B, or its transpose, as the context's input 1. */
export interface DenseProduct {
  readonly ctx: LowerContext;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: KernelArgument;
  /** Elements between the starts of two rows of a. */
  readonly lda: number;
  /** Elements between two rows of y. */
  readonly ldy: number;
  readonly transposeB: boolean;
  readonly alpha: number;
  /** Where this is a part of a product whose input is folded. */
  readonly part?: FoldedPart;
}

/** Columns of a product, whose n they are, on a folded input, whose elements in a row k counts. */
export interface FoldedPart {
  /** The product that this is a part of. */
  readonly whole: Pick<DenseProduct, "n" | "k">;
  readonly mirror: Mirror;
  readonly columns: MirroredColumns;
}

/** What the times of a product's kernels depend on. */
export const denseKey = ({ ctx, m, n, k }: DenseProduct): string => `matmul float32 ${ctx.tier} ${m}x${n}x${k}`;

/**
 * Weights that are all the same, as of a network that was never trained, make columns the same, and a softmax of large
 * sums shows it where they are not: Strassen's algorithm rounds left and right columns differently.
 */
const areUniform = (weights: TypedArray | undefined): boolean => weights?.every((value) => value === weights[0]) === true;

export const takesStrassen = ({ ctx, m, n, k }: Pick<DenseProduct, "ctx" | "m" | "n" | "k">): boolean =>
  ctx.memory === "fast" && k % 8 === 0 && n > PANEL && m > FEW_ROWS && !areUniform(ctx.input(1).known);

/** The candidates; the first wins where costs are equal. */
export const DENSE_KERNELS: readonly Candidate<DenseProduct>[] = [
  { name: "gemv", takes: ({ m }) => m <= FEW_ROWS, cost: ({ m, n, k }) => m * n * k, emit: emitGemv },
  { name: "gemm", takes: () => true, cost: ({ ctx, m, n, k }) => productCost(m, n * k, ctx.tier), emit: emitGemm },
  { name: "strassen", takes: takesStrassen, cost: ({ m, n, k }) => strassenCost(m, n, k), emit: emitStrassen },
  { name: "folded", takes: takesFolded, cost: foldedCost, emit: emitFolded },
];

const flopsOf = ({ m, n, k, part }: DenseProduct) => ({ flops: 2 * m * n * (part?.whole.k ?? k) });

/** Elements between two rows of the residual. */
const ldrOf = ({ n, part }: DenseProduct): number => part?.whole.n ?? n;

/** Packs alpha · B with its bias. */
function weightsOf(
  { ctx, n, k, transposeB, alpha, part }: DenseProduct,
  packing: string,
  floats: number,
  pack: (to: Float32Array, matrix: Matrix, bias: Float32Array | undefined) => void,
): KernelArgument {
  const { whole, columns, mirror } = part ?? {};
  const name = columns ? `folded from ${columns.first} in ${packing}` : packing;
  return packedWeights(ctx, `${name} ${transposeB} ${alpha}`, floats, (to, known, bias) => {
    const data = alpha === 1 ? known : known.map((value) => value * alpha);
    const matrix = matrixOf({ ...(whole ?? { n, k }), transposeB }, data);
    if (columns) pack(to, foldMatrix(matrix, mirror!, columns), bias?.subarray(columns.first, columns.first + n));
    else pack(to, matrix, bias);
  });
}

/** B as it lies in memory. */
export const matrixOf = ({ n, k, transposeB }: Pick<DenseProduct, "n" | "k" | "transposeB">, data: Float32Array): Matrix => ({
  ...{ data, n, k },
  ...(transposeB ? { rowStride: 1, colStride: k } : { rowStride: n, colStride: 1 }),
});

/** Output, input, weights, residual and epilogue: how every kernel's arguments begin. */
function operandsOf({ ctx, a, part }: DenseProduct, weights: KernelArgument) {
  const [y, residual, bytes] = [ctx.output(0).pointer, ctx.inputs[3]?.pointer, 4 * (part?.columns.first ?? 0)];
  return [offsetBy(y, bytes), a, weights, residual ? offsetBy(residual, bytes) : 0, epilogueOf(ctx)] as const;
}

const panelsOf = (p: DenseProduct): KernelArgument =>
  weightsOf(p, "panels", panelFloats(p.n, p.k), (to, matrix, bias) => packPanels(to, 0, matrix, bias));

export function emitGemv(p: DenseProduct): void {
  const { ctx, m, n, k, lda, ldy } = p;
  ctx.emitSplit("f32_gemv", Math.ceil(n / PANEL), [...operandsOf(p, panelsOf(p)), m, n, k, ldy, lda, ldrOf(p)], flopsOf(p));
}

export function emitGemm(p: DenseProduct): void {
  const { ctx, m, n, k, lda, ldy } = p;
  ctx.emitSplit("f32_gemm", m, [...operandsOf(p, panelsOf(p)), n, k, ldy, lda, ldrOf(p)], flopsOf(p));
}

export function emitStrassen(p: DenseProduct): void {
  const { ctx, m, n, k, lda, ldy } = p;
  const weights = weightsOf(p, "strassen", strassenFloats(n, k), packStrassen);
  const [bands, scratch] = [strassenBands(m), ctx.scratch(strassenScratchBytes(m, n, k))];
  ctx.emitSplit("f32_gemm_strassen", bands, [...operandsOf(p, weights), scratch, m, n, k, ldy, lda, ldrOf(p), bands], flopsOf(p));
}

/** The parts of a product whose B is mirrored, on inputs that are still to be folded; none elsewhere. */
function partsOf(p: DenseProduct): DenseProduct[] {
  const mirror = mirrorOf(matrixOf(p, p.ctx.input(1).known as Float32Array));
  return (mirror?.parts ?? []).map((columns) => {
    const k = foldedRows(mirror!, columns.isOdd);
    return { ...p, n: columns.count, k, lda: k, part: { whole: { n: p.n, k: p.k }, mirror: mirror!, columns } };
  });
}

export function takesFolded(p: DenseProduct): boolean {
  return partsOf(p).length > 0;
}

const isFasterByStrassen = (p: DenseProduct): boolean => takesStrassen(p) && isStrassenCheaper(p.m, p.n, p.k, p.ctx.tier);

/** An element is folded in the time of six multiply-adds. */
export function foldedCost(p: DenseProduct): number {
  const cost = (part: DenseProduct) =>
    isFasterByStrassen(part) ? strassenCost(part.m, part.n, part.k) : productCost(part.m, part.n * part.k, part.ctx.tier);
  return partsOf(p).reduce((sum, part) => sum + cost(part) + 6 * part.m * part.k, 0);
}

/** Each part on an input folded for it. */
export function emitFolded(p: DenseProduct): void {
  const { ctx, m, lda } = p;
  for (const part of partsOf(p)) {
    const { mirror, columns } = part.part!;
    const folded = ctx.scratch(m * part.k * 4);
    ctx.emitSplit("f32_fold", m, [folded, p.a, ctx.table(foldWords(mirror, columns.isOdd, lda))]);
    const product = { ...part, a: folded };
    if (isFasterByStrassen(product)) emitStrassen(product);
    else emitGemm(product);
  }
}
