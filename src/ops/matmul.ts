// Products of matrices in float32, over leading batch axes.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { sizeOf } from "../graph/types.ts";
import { emitFastest } from "./candidates.ts";
import {
  type AttributeReader,
  defineOp,
  type HostContext,
  type InferContext,
  type LowerContext,
  offsetBy,
  type Pointer,
} from "./define.ts";
import { DENSE_KERNELS, denseKey } from "./dense-kernels.ts";
import { epilogueOf } from "./finish-f32.ts";
import { finishReals } from "./finish-reals.ts";
import { emitMove, moveOver, stridesOf } from "./moves.ts";
import { panelFloats } from "./pack-f32.ts";
import { isPackable } from "./packed-weights.ts";
import { realsOf, writeReals } from "./real.ts";
import { broadcastShape, broadcastStrides } from "./tile.ts";

/** A product as its operands' shapes say. A vector is a matrix of one row (a) or one column (b), dropped from the output. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Leading axes of a, b and the output. */
  readonly aBatch: readonly number[];
  readonly bBatch: readonly number[];
  readonly batch: readonly number[];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly shape: readonly number[];
}

/** Throws `shape` where the operands do not fit. */
export function productOf(attributes: AttributeReader, a: TensorType, b: TensorType): Product {
  check(a.shape.length > 0 && b.shape.length > 0, "shape", () => "a matrix product needs operands with at least one axis");
  const [transposeA, transposeB] = [attributes.boolean("transposeA", false), attributes.boolean("transposeB", false)];
  const [aShape, bShape] = [a.shape.length > 1 ? a.shape : [1, ...a.shape], b.shape.length > 1 ? b.shape : [...b.shape, 1]];
  const [aRows, aCols] = aShape.slice(-2) as [number, number];
  const [bRows, bCols] = bShape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [aCols, aRows] : [aRows, aCols];
  const [depth, n] = transposeB ? [bCols, bRows] : [bRows, bCols];
  check(
    Number.isNaN(k) || Number.isNaN(depth) || k === depth,
    "shape",
    () => `${k} columns of the first operand meet ${depth} rows of the second`,
  );
  const [aBatch, bBatch] = [aShape.slice(0, -2), bShape.slice(0, -2)];
  const batch = broadcastShape(aBatch, bBatch);
  const shape = [...batch, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [n] : [])];
  return { m, n, k: Number.isNaN(k) ? depth : k, aBatch, bBatch, batch, transposeA, transposeB, shape };
}

/** A step through the batch with the elements that output, a and b move by. */
export interface BatchAxis {
  readonly size: number;
  readonly y: number;
  readonly a: number;
  readonly b: number;
}

/** Batch axes outermost first; neighbours that all operands walk as one are joined. */
export function batchAxes({ m, n, k, aBatch, bBatch, batch }: Product): BatchAxis[] {
  const axes: BatchAxis[] = [];
  const [y, a, b] = [stridesOf(batch), broadcastStrides(aBatch, batch), broadcastStrides(bBatch, batch)];
  for (const [i, size] of batch.entries()) {
    if (size === 1) continue;
    const axis = { size, y: y[i]! * m * n, a: a[i]! * m * k, b: b[i]! * k * n };
    const outer = axes.at(-1);
    const joins = outer && outer.y === axis.y * size && outer.a === axis.a * size && outer.b === axis.b * size;
    if (joins) axes[axes.length - 1] = { ...axis, size: outer.size * size };
    else axes.push(axis);
  }
  return axes;
}

/** Calls `visit` for each matrix of a batch with the elements before it in output, a and b. */
export function eachMatrix(
  [axis, ...rest]: readonly BatchAxis[],
  visit: (y: number, a: number, b: number) => void,
  y = 0,
  a = 0,
  b = 0,
): void {
  if (!axis) visit(y, a, b);
  else for (let i = 0; i < axis.size; i++) eachMatrix(rest, visit, y + i * axis.y, a + i * axis.a, b + i * axis.b);
}

/** Elements between two rows of a product's output. */
export const rowStrideOf = ({ shape, n }: Pick<Product, "shape" | "n">, rowStride: number): number => (shape.at(-1) === n ? rowStride : n);

/** The matrices of x as rows × cols: a copy where they are stored transposed. */
export function upright(
  ctx: LowerContext,
  x: Pointer,
  elementBytes: number,
  [count, rows, cols]: readonly [count: number, rows: number, cols: number],
  isTransposed: boolean,
): Pointer {
  if (!isTransposed || rows === 1 || cols === 1) return x;
  const shape = [count, rows, cols];
  const copy = ctx.scratch(sizeOf(shape) * elementBytes);
  emitMove(ctx, copy, x, elementBytes, moveOver(shape, stridesOf(shape), [rows * cols, 1, rows]));
  return copy;
}

const rowsOfA = (ctx: LowerContext, { m, k, aBatch, transposeA }: Product): Pointer =>
  upright(ctx, ctx.input(0).pointer, 4, [sizeOf(aBatch), m, k], transposeA);

/** Constant b without batch axes: packed once, and all rows of a are one matrix. */
function lowerDense(ctx: LowerContext, product: Product): void {
  const { n, k, transposeB } = product;
  const y = ctx.output(0);
  const m = sizeOf(product.batch) * product.m;
  const alpha = ctx.attributes.number("alpha", 1);
  const ldy = rowStrideOf(product, y.rowStride);
  const layer = { ctx, m, n, k, a: rowsOfA(ctx, product), lda: k, ldy, transposeB, alpha };
  emitFastest(ctx, denseKey(layer), layer, DENSE_KERNELS);
}

const floatBits = (value: number): number => new Int32Array(new Float32Array([value]).buffer)[0]!;

/** Any b: each matrix is packed on the way to its product. */
function lowerBatch(ctx: LowerContext, product: Product): void {
  const { m, n, k, transposeB } = product;
  const [b, y, bias, residual] = [ctx.input(1), ctx.output(0), ctx.inputs[2], ctx.inputs[3]];
  const a = rowsOfA(ctx, product);
  const [epilogue, scratch] = [epilogueOf(ctx), ctx.scratch(panelFloats(n, k) * 4)];
  const ldy = rowStrideOf(product, y.rowStride);
  /** Elements of an output that is dense, as elements of this one. */
  const spread = (elements: number): number => (elements / n) * ldy;
  const axes = batchAxes(product);
  const [inner, outer] = [axes.pop() ?? { size: 1, y: 0, a: 0, b: 0 }, axes.pop() ?? { size: 1, y: 0, a: 0, b: 0 }];
  const scale = floatBits(ctx.attributes.number("alpha", 1));
  const words = Int32Array.of(
    ...[m, n, k, ldy, k, transposeB ? 1 : n, transposeB ? k : 1, scale, inner.size],
    ...[spread(outer.y), outer.a, outer.b, spread(inner.y), inner.a, inner.b, n, outer.y, inner.y],
  );
  const shape = ctx.table(words);
  const units = outer.size * inner.size;
  eachMatrix(axes, (yAt, aAt, bAt) => {
    const r = residual ? offsetBy(residual.pointer, yAt * 4) : 0;
    const [to, from, by] = [offsetBy(y.pointer, spread(yAt) * 4), offsetBy(a, aAt * 4), offsetBy(b.pointer, bAt * 4)];
    ctx.emitSplit("f32_matmul", units, [to, from, by, bias?.pointer ?? 0, r, epilogue, shape, scratch], { flops: 2 * units * m * n * k });
  });
}

/** y[…, M, N] = finish(alpha · a[…, M, K] · b[…, K, N] + bias[N] + residual). */
export const matmul = defineOp({
  name: "matmul",
  inPlace: [3],
  stridedOutput: true,
  infer(ctx: InferContext): TensorType[] {
    return [{ dataType: ctx.input(0).dataType, shape: productOf(ctx.attributes, ctx.input(0), ctx.input(1)).shape }];
  },
  lower(ctx: LowerContext) {
    const [a, b, y, residual] = [ctx.input(0), ctx.input(1), ctx.output(0), ctx.inputs[3]];
    const product = productOf(ctx.attributes, a, b);
    if (product.k === 0) return false;
    if (a.dataType !== "float32" || b.dataType !== "float32") return ctx.quantized?.matmul(ctx, product) ?? false;
    check(
      !residual || residual.size === y.size,
      "shape",
      () => `the residual must have the output's ${y.size} elements, found ${residual?.size}`,
    );
    if (y.size === 0) return;
    if (isPackable(ctx) && sizeOf(product.bBatch) === 1) lowerDense(ctx, product);
    else lowerBatch(ctx, product);
  },
  host(ctx: HostContext) {
    const [a, b] = [ctx.input(0), ctx.input(1)];
    const product = productOf(ctx.attributes, a, b);
    const { m, n, k, transposeA, transposeB } = product;
    const [x, w] = [realsOf(a, ctx.inputQuants[0]), realsOf(b, ctx.inputQuants[1])];
    const alpha = ctx.attributes.number("alpha", 1);
    const sums = new Float64Array(sizeOf(product.batch) * m * n);
    eachMatrix(batchAxes(product), (yAt, aAt, bAt) => {
      for (let i = 0; i < m * n; i++) {
        const [row, col] = [Math.floor(i / n), i % n];
        let sum = 0;
        for (let p = 0; p < k; p++)
          sum += x[aAt + (transposeA ? p * m + row : row * k + p)]! * w[bAt + (transposeB ? col * k + p : p * n + col)]!;
        sums[yAt + i] = alpha * sum;
      }
    });
    writeReals(ctx.outputs[0]!, finishReals(ctx, sums, n), ctx.outputQuants[0]);
  },
});
