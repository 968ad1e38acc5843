// A product of two int8 matrices that are both computed while the model runs, as attention has them: the second one is
// packed on the way, and from there it is the product with constant weights.
import { sizeOf } from "../../graph/types.ts";
import { type LowerContext, offsetBy, type Pointer } from "../define.ts";
import { batchAxes, eachMatrix, type Product, upright } from "../matmul.ts";
import { type ConvOutput, convShapeWords, matrixGeometry, pairsOf, panelsBytesOf, scratchBytesOf } from "./conv-shape.ts";

/** The operands as int8 in memory; `scale` takes the int32 sums to the output's steps, and `output.ldy` is of the result. */
export interface ActivationOperands {
  readonly a: Pointer;
  readonly b: Pointer;
  readonly bZero: number;
  readonly y: Pointer;
  readonly scale: number;
  readonly output: ConvOutput;
}

/** Kernel steps of the product, one matrix of the batch after another. */
export function emitProductOfActivations(ctx: LowerContext, product: Product, operands: ActivationOperands): void {
  const { n, k, aBatch, bBatch, transposeA, transposeB } = product;
  const { bZero, y, scale, output } = operands;
  const a = upright(ctx, operands.a, 1, [sizeOf(aBatch), product.m, k], transposeA);
  const b = upright(ctx, operands.b, 1, [sizeOf(bBatch), k, n], transposeB);
  const isShared = sizeOf(bBatch) === 1;
  const m = isShared ? sizeOf(product.batch) * product.m : product.m;
  const geometry = matrixGeometry(m, k, n);
  const table = ctx.table(convShapeWords(geometry, output, 2));
  const [panels, scratch] = [ctx.scratch(panelsBytesOf(geometry, output.kind, 2)), ctx.scratch(scratchBytesOf(geometry))];
  const elementBytes = output.kind === "int8" ? 1 : 4;
  let packed = -1;
  eachMatrix(isShared ? [] : batchAxes(product), (yAt, aAt, bAt) => {
    if (packed !== bAt)
      ctx.emitSplit("qs8_pack_panels", Math.ceil(n / 8), [panels, offsetBy(b, bAt), n, k, pairsOf(geometry), bZero, scale]);
    packed = bAt;
    const to = offsetBy(y, (yAt / n) * output.ldy * elementBytes);
    ctx.emitSplit("qs8_conv_4x8", m, [to, offsetBy(a, aAt), panels, 0, scratch, table], { flops: 2 * m * n * k });
  });
}
