// The kernels that multiply a float32 matrix by a constant one, as a table: what each takes, costs and is called with.

import type { TypedArray } from "../graph/types.ts";
import type { Candidate } from "./candidates.ts";
import type { KernelArgument, LowerContext } from "./define.ts";
import { epilogueOf } from "./finish-f32.ts";
import { type Matrix, PANEL, packPanels, panelFloats } from "./pack-f32.ts";
import { packedWeights, pointerOf } from "./packed-weights.ts";
import { FEW_ROWS, productCost, strassenCost } from "./product-cost.ts";
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
];

const flopsOf = ({ m, n, k }: DenseProduct) => ({ flops: 2 * m * n * k });

/** Packs alpha · B with its bias. */
function weightsOf(
  { ctx, n, k, transposeB, alpha }: DenseProduct,
  packing: string,
  floats: number,
  pack: (to: Float32Array, matrix: Matrix, bias: Float32Array | undefined) => void,
): KernelArgument {
  return packedWeights(ctx, `${packing} ${transposeB} ${alpha}`, floats, (to, known, bias) => {
    const data = alpha === 1 ? known : known.map((value) => value * alpha);
    pack(to, { data, n, k, rowStride: transposeB ? 1 : n, colStride: transposeB ? k : 1 }, bias);
  });
}

/** Output, input, weights, residual and epilogue: how every kernel's arguments begin. */
const operandsOf = ({ ctx, a }: DenseProduct, weights: KernelArgument) =>
  [ctx.output(0).pointer, a, weights, pointerOf(ctx.inputs[3]), epilogueOf(ctx)] as const;

const panelsOf = (p: DenseProduct): KernelArgument =>
  weightsOf(p, "panels", panelFloats(p.n, p.k), (to, matrix, bias) => packPanels(to, 0, matrix, bias));

function emitGemv(p: DenseProduct): void {
  const { ctx, m, n, k, lda, ldy } = p;
  ctx.emitSplit("f32_gemv", Math.ceil(n / PANEL), [...operandsOf(p, panelsOf(p)), m, n, k, ldy, lda, n], flopsOf(p));
}

function emitGemm(p: DenseProduct): void {
  const { ctx, m, n, k, lda, ldy } = p;
  ctx.emitSplit("f32_gemm", m, [...operandsOf(p, panelsOf(p)), n, k, ldy, lda, n], flopsOf(p));
}

export function emitStrassen(p: DenseProduct): void {
  const { ctx, m, n, k, lda, ldy } = p;
  const weights = weightsOf(p, "strassen", strassenFloats(n, k), packStrassen);
  const [bands, scratch] = [strassenBands(m), ctx.scratch(strassenScratchBytes(m, n, k))];
  ctx.emitSplit("f32_gemm_strassen", bands, [...operandsOf(p, weights), scratch, m, n, k, ldy, lda, n, bands], flopsOf(p));
}
