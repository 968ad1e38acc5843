// matmul of int8 activations with a constant int8 matrix or with other activations, and of float32 ones with a constant int8 matrix.
import type { Quantization } from "../../graph/types.ts";
import { sizeOf } from "../../graph/types.ts";
import type { LowerContext, Operand } from "../define.ts";
import { type Product, rowStrideOf } from "../matmul.ts";
import { type ConvOutput, type ConvWeights, matrixGeometry } from "./conv-shape.ts";
import { emitQuantizedRows, emitQuantizedTensor, floatResult, knowsActivation, quantizesWhole } from "./hybrid.ts";
import { emitLayer, packingKey } from "./layer.ts";
import { emitProductOfActivations } from "./product-of-activations.ts";
import { rowsByOutput } from "./rows-by-output.ts";
import { boundsOf, channelScales, stepsOf } from "./steps.ts";
import { keepsFloats, lowerWeightOnly } from "./weight-only.ts";

/** One matrix for all batches, with one scale or one for each of its columns. */
function isQuantizedMatrix(b: Operand, { n, bBatch, transposeB }: Product): b is Operand & { quant: Quantization } {
  const { quant, shape } = b;
  if (b.dataType !== "int8" || !b.known || !quant || sizeOf(bBatch) !== 1) return false;
  return quant.scale.length === 1 || (quant.scale.length === n && quant.axis === shape.length - (transposeB ? 2 : 1));
}

/** Steps of a product of two int8 tensors that are computed while the model runs; false where no kernel takes it. */
function lowerActivations(ctx: LowerContext, product: Product): boolean {
  const [a, b, y] = [ctx.input(0), ctx.input(1), ctx.output(0)];
  const [from, by, to] = [stepsOf(a), stepsOf(b), stepsOf(y)];
  const isPlain = !ctx.inputs[2] && !ctx.inputs[3] && !ctx.attributes.has("activation") && ctx.attributes.number("alpha", 1) === 1;
  if (!from || !by || !to || !isPlain) return false;
  if (y.size === 0) return true;
  const [lo, hi] = boundsOf(ctx.attributes, to);
  const ldy = rowStrideOf(product, y.rowStride);
  const output: ConvOutput = { kind: "int8", ldy, xZero: from.zero, yZero: to.zero, lo, hi, rowScaleStep: 0 };
  const scale = channelScales(from, b.quant!, to)[0]!;
  emitProductOfActivations(ctx, product, { a: a.pointer, b: b.pointer, bZero: by.zero, y: y.pointer, scale, output });
  return true;
}

/** Kernel steps of a product of which at least one operand is int8; false where no kernel takes it. */
export function lowerQuantizedMatmul(ctx: LowerContext, product: Product): boolean {
  const [a, b, bias, y] = [ctx.input(0), ctx.input(1), ctx.inputs[2], ctx.output(0)];
  if (!b.known) return lowerActivations(ctx, product);
  if (!isQuantizedMatrix(b, product) || product.transposeA || (bias && !bias.known)) return false;
  if (keepsFloats(ctx)) return lowerWeightOnly(ctx, product, b);
  const isPlain = !ctx.inputs[3] && !ctx.attributes.has("activation");
  const { n, k } = product;
  const m = sizeOf(product.batch) * product.m;
  const alpha = ctx.attributes.number("alpha", 1);
  const terms = bias?.known as ArrayLike<number> | undefined;
  const source = (scales: ArrayLike<number>) => (): ConvWeights => ({
    weight: rowsByOutput(b.known as Int8Array, product),
    zeros: b.quant.zeroPoint,
    bias: terms,
    scales,
  });
  const ldy = rowStrideOf(product, y.rowStride);
  const isSymmetric = b.quant.zeroPoint.every((zero) => zero === 0);
  const common = { geometry: matrixGeometry(m, k, n), images: 1, owner: b, isSymmetric };
  const [from, to] = [stepsOf(a), stepsOf(y)];
  if (from && to && isPlain && alpha === 1 && (!bias || bias.dataType === "int32")) {
    const scales = channelScales(from, b.quant, to);
    const [lo, hi] = boundsOf(ctx.attributes, to);
    const output: ConvOutput = { kind: "int8", ldy, xZero: from.zero, yZero: to.zero, lo, hi, rowScaleStep: 0 };
    const key = packingKey(`int8 ${product.transposeB}`, terms, scales);
    emitLayer(ctx, { ...common, x: a.pointer, y: y.pointer, output, weights: source(scales), key, rowScale: 0 });
    return true;
  }
  if (a.dataType !== "float32" || y.dataType !== "float32" || !knowsActivation(ctx)) return false;
  const scales = Float32Array.from(b.quant.scale, (scale) => scale * alpha);
  const result = floatResult(ctx, product.shape.at(-1) === n ? n : y.rowStride);
  const output: ConvOutput = {
    kind: "float32",
    ldy: rowStrideOf(product, result.ldy),
    xZero: 0,
    yZero: 0,
    lo: result.lo,
    hi: result.hi,
    rowScaleStep: quantizesWhole(ctx) ? 0 : 8,
  };
  const key = packingKey(`float32 ${product.transposeB}`, terms, scales);
  const activations = quantizesWhole(ctx) ? emitQuantizedTensor(ctx, a.pointer, m * k) : emitQuantizedRows(ctx, a.pointer, m, k);
  emitLayer(ctx, { ...common, ...activations, y: result.y, output, weights: source(scales), key });
  result.finish();
  return true;
}
