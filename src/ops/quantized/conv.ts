// conv2d on int8 activations, and on float32 ones with int8 weights.
import type { Quantization } from "../../graph/types.ts";
import { type Convolution, convolutionOf } from "../conv-geometry.ts";
import { type LowerContext, type Operand, offsetBy } from "../define.ts";
import { type ConvGeometry, type ConvOutput, type ConvWeights, matrixGeometry } from "./conv-shape.ts";
import { emitQuantizedRows, emitQuantizedTensor, floatResult, knowsActivation, quantizesWhole } from "./hybrid.ts";
import { emitLayer, packingKey } from "./layer.ts";
import { boundsOf, channelScales, stepsOf } from "./steps.ts";

/** Images that follow each other are one image of a pixel a row where windows are pixels. */
function geometryOf(c: Convolution): { geometry: ConvGeometry; images: number } {
  const { batch, ...geometry } = c;
  const isPointwise = c.kernelHeight * c.kernelWidth === 1 && c.strideHeight * c.strideWidth === 1 && c.padTop === 0 && c.padLeft === 0;
  const keepsSize = c.outHeight === c.inHeight && c.outWidth === c.inWidth;
  if (isPointwise && keepsSize && c.groups === 1)
    return { geometry: matrixGeometry(batch * c.outHeight * c.outWidth, c.inChannels, c.outChannels), images: 1 };
  return { geometry, images: batch };
}

/** Constant int8 weights with a quantization that kernels know. */
export function isQuantizedWeight(weight: Operand): weight is Operand & { quant: Quantization } {
  const { quant } = weight;
  return (
    weight.dataType === "int8" && weight.known !== undefined && quant !== undefined && (quant.scale.length === 1 || (quant.axis ?? 0) === 0)
  );
}

export const isSymmetric = ({ zeroPoint }: Quantization): boolean => zeroPoint.every((zero) => zero === 0);

/** Kernel steps of a convolution with int8 weights; false where no kernel takes it. */
export function lowerQuantizedConv(ctx: LowerContext): boolean {
  const [x, weight, bias, y] = [ctx.input(0), ctx.input(1), ctx.inputs[2], ctx.output(0)];
  if (!isQuantizedWeight(weight) || (bias && !bias.known)) return false;
  const isPlain = !ctx.inputs[3] && !ctx.attributes.has("activation");
  const c = convolutionOf(ctx.attributes, x, weight);
  if (y.size === 0) return true;
  const terms = bias?.known as ArrayLike<number> | undefined;
  const source = (scales: ArrayLike<number>) => (): ConvWeights => ({
    weight: weight.known as Int8Array,
    zeros: weight.quant.zeroPoint,
    bias: terms,
    scales,
  });
  const common = { owner: weight, isSymmetric: isSymmetric(weight.quant) };
  const [from, to] = [stepsOf(x), stepsOf(y)];
  if (from && to && isPlain && (!bias || bias.dataType === "int32")) {
    const scales = channelScales(from, weight.quant, to);
    const [lo, hi] = boundsOf(ctx.attributes, to);
    const output: ConvOutput = { kind: "int8", ldy: y.rowStride, xZero: from.zero, yZero: to.zero, lo, hi, rowScaleStep: 0 };
    const key = packingKey("int8", terms, scales);
    emitLayer(ctx, { ...common, ...geometryOf(c), x: x.pointer, y: y.pointer, output, weights: source(scales), key, rowScale: 0 });
    return true;
  }
  if (x.dataType !== "float32" || y.dataType !== "float32" || c.groups > 1 || !knowsActivation(ctx)) return false;
  emitHybrid(ctx, c, source(weight.quant.scale), packingKey("float32", terms, weight.quant.scale), common);
  return true;
}

/** Each image is quantized over its own range, and is a step of its own; or all are over one. */
function emitHybrid(
  ctx: LowerContext,
  c: Convolution,
  weights: () => ConvWeights,
  key: string,
  common: { owner: Operand; isSymmetric: boolean },
): void {
  const x = ctx.input(0);
  const result = floatResult(ctx, c.outChannels);
  const { ldy, lo, hi } = result;
  const imageSize = c.inHeight * c.inWidth * c.inChannels;
  const output: ConvOutput = { kind: "float32", ldy, xZero: 0, yZero: 0, lo, hi, rowScaleStep: 0 };
  if (quantizesWhole(ctx)) {
    emitLayer(ctx, { ...common, ...geometryOf(c), ...emitQuantizedTensor(ctx, x.pointer, x.size), y: result.y, output, weights, key });
    result.finish();
    return;
  }
  const rows = emitQuantizedRows(ctx, x.pointer, c.batch, imageSize);
  const { geometry } = geometryOf({ ...c, batch: 1 });
  for (let image = 0; image < c.batch; image++) {
    emitLayer(ctx, {
      ...common,
      geometry,
      images: 1,
      x: offsetBy(rows.x, image * imageSize),
      y: offsetBy(result.y, image * c.outHeight * c.outWidth * ldy * 4),
      output,
      weights,
      key,
      rowScale: offsetBy(rows.rowScale, image * 8),
    });
  }
  result.finish();
}
