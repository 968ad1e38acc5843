// Convolution of images, NHWC with weights OHWI, in float32.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { emitFastest } from "./candidates.ts";
import { convolutionOf } from "./conv-geometry.ts";
import { computeConvolution } from "./conv-host.ts";
import { CONV_KERNELS } from "./conv-kernels.ts";
import { convKey, convLayerOf } from "./conv-layer.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext } from "./define.ts";

/** Kernel steps of a float32 convolution. */
export function lowerConv(ctx: LowerContext): void {
  const [y, residual] = [ctx.output(0), ctx.inputs[3]];
  if (y.size === 0) return;
  check(
    !residual || residual.size === y.size,
    "shape",
    () => `the residual must have the output's ${y.size} elements, found ${residual?.size}`,
  );
  const layer = convLayerOf(ctx, convolutionOf(ctx.attributes, ctx.input(0), ctx.input(1)));
  emitFastest(ctx, convKey(layer), layer, CONV_KERNELS);
}

/** y[N, OH, OW, O] = finish(x[N, H, W, C] ∗ weight[O, KH, KW, C / groups] + bias[O] + residual). */
export const conv2d = defineOp({
  name: "conv2d",
  inPlace: [3],
  stridedOutput: true,
  infer(ctx: InferContext): TensorType[] {
    const { batch, outHeight, outWidth, outChannels } = convolutionOf(ctx.attributes, ctx.input(0), ctx.input(1));
    return [{ dataType: ctx.input(0).dataType, shape: [batch, outHeight, outWidth, outChannels] }];
  },
  lower(ctx: LowerContext) {
    if (ctx.input(0).dataType !== "float32" || ctx.input(1).dataType !== "float32") return ctx.quantized?.conv(ctx) ?? false;
    lowerConv(ctx);
  },
  host(ctx: HostContext) {
    computeConvolution(ctx, convolutionOf(ctx.attributes, ctx.input(0), ctx.input(1)), false);
  },
});
