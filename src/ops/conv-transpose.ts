// Transposed convolution of images, NHWC with weights OHWI: cut into dense convolutions (deconv-phases.ts).
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { type Convolution, convShapeWords, flopsOf, operandsOf, paddingOf } from "./conv-geometry.ts";
import { computeConvolution } from "./conv-host.ts";
import { type AxisPhase, type DeconvWeights, deconvParts, packPhase, phaseFloats, tapCount } from "./deconv-phases.ts";
import { type AttributeReader, defineOp, type HostContext, type InferContext, type LowerContext, offsetBy } from "./define.ts";
import { epilogueOf } from "./finish-f32.ts";
import { packedWeights } from "./packed-weights.ts";

/** Output size and cropping before the first element along one axis. */
function transposedAxis(
  attributes: AttributeReader,
  axis: 0 | 1,
  { size, kernel, stride, dilation }: { size: number; kernel: number; stride: number; dilation: number },
): { out: number; before: number } {
  const more = attributes.numbers("outputPadding", [0, 0])[axis] ?? 0;
  const full = (size - 1) * stride + dilation * (kernel - 1) + 1 + more;
  const around = paddingOf(attributes, axis);
  const wanted = attributes.has("outputShape") ? attributes.numbers("outputShape")[axis]! : undefined;
  if (typeof around !== "string") return { out: wanted ?? full - around[0] - around[1], before: around[0] };
  const out = wanted ?? (around === "valid" ? full : size * stride);
  const cropped = around === "valid" ? 0 : Math.max(full - out, 0);
  return { out, before: around === "same_lower" ? Math.ceil(cropped / 2) : Math.floor(cropped / 2) };
}

/** The transposed convolution as told; `padTop` and `padLeft` are what is cropped. Throws `shape`. */
function transposedConvolutionOf(attributes: AttributeReader, x: TensorType, weight: TensorType): Convolution {
  const o = operandsOf(attributes, x, weight);
  const down = transposedAxis(attributes, 0, {
    size: o.inHeight,
    kernel: o.kernelHeight,
    stride: o.strideHeight,
    dilation: o.dilationHeight,
  });
  const across = transposedAxis(attributes, 1, {
    size: o.inWidth,
    kernel: o.kernelWidth,
    stride: o.strideWidth,
    dilation: o.dilationWidth,
  });
  check(!(down.out <= 0 || across.out <= 0), "shape", () => `nothing is left of the output: ${down.out}×${across.out}`);
  return { ...o, outHeight: down.out, outWidth: across.out, padTop: down.before, padLeft: across.before };
}

/** The dense convolution that makes the outputs of one part; `across` has several phases where those are one product. */
function partOf(c: Convolution, down: AxisPhase, across: readonly AxisPhase[]): Convolution {
  const [first] = across;
  return {
    ...c,
    outHeight: down.count,
    outWidth: first!.count,
    outChannels: c.outChannels * across.length,
    kernelHeight: tapCount(down),
    kernelWidth: tapCount(first!),
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: down.step,
    dilationWidth: first!.step,
    padTop: -down.start,
    padLeft: -first!.start,
  };
}

/** Kernel steps of a float32 transposed convolution with constant weights. */
function lowerTransposed(ctx: LowerContext, c: Convolution): void {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const epilogue = epilogueOf(ctx);
  const ldy = y.rowStride;
  const sizes = {
    filters: c.outChannels / c.groups,
    channels: c.inChannels / c.groups,
    groups: c.groups,
    kernelHeight: c.kernelHeight,
    kernelWidth: c.kernelWidth,
  };
  for (const { down, across } of deconvParts(c, ldy === c.outChannels)) {
    const part = partOf(c, down, across);
    const weightsOf = (data: Float32Array, bias: Float32Array | undefined): DeconvWeights => ({ ...sizes, data, bias });
    const key = `deconv ${down.first} ${across.map(({ first }) => first)} ${[down.taps, across[0]!.taps].join(" ")}`;
    const floats = phaseFloats(weightsOf(new Float32Array(0), undefined), down, across);
    const weights = packedWeights(ctx, key, floats, (to, data, bias) => packPhase(to, weightsOf(data, bias), down, across));
    const strides = { ldy: c.strideWidth * ldy, yRow: c.strideHeight * c.outWidth * ldy, yImage: c.outHeight * c.outWidth * ldy };
    const shape = ctx.table(convShapeWords(part, strides));
    const scratch = ctx.scratch((part.outWidth * part.kernelHeight * part.kernelWidth * part.inChannels * 4) / part.groups);
    const at = offsetBy(y.pointer, (down.first * c.outWidth + across[0]!.first) * ldy * 4);
    ctx.emitSplit("f32_deconv", c.batch * part.outHeight, [at, x.pointer, weights, epilogue, shape, scratch], { flops: flopsOf(part) });
  }
}

/** y[N, OH, OW, O] = finish(the transpose of a convolution, applied to x[N, H, W, C], + bias[O]). */
export const convTranspose2d = defineOp({
  name: "conv_transpose2d",
  stridedOutput: true,
  infer(ctx: InferContext): TensorType[] {
    const { batch, outHeight, outWidth, outChannels } = transposedConvolutionOf(ctx.attributes, ctx.input(0), ctx.input(1));
    return [{ dataType: ctx.input(0).dataType, shape: [batch, outHeight, outWidth, outChannels] }];
  },
  lower(ctx: LowerContext) {
    const [x, weight, bias] = [ctx.input(0), ctx.input(1), ctx.inputs[2]];
    if (!weight.known || (bias && !bias.known)) return false;
    if (ctx.output(0).size === 0) return true;
    const c = transposedConvolutionOf(ctx.attributes, x, weight);
    if (x.dataType !== "float32" || weight.dataType !== "float32") return ctx.quantized?.deconv(ctx, c) ?? false;
    lowerTransposed(ctx, c);
    return true;
  },
  host(ctx: HostContext) {
    computeConvolution(ctx, transposedConvolutionOf(ctx.attributes, ctx.input(0), ctx.input(1)), true);
  },
});
