// A depthwise convolution with the 1 × 1 convolutions before and after it, in float32, as one operator: what lies between
// them stays in the cache and out of the arena. The planner makes it from conv2d nodes; no file has one.
import type { TensorType } from "../graph/types.ts";
import { fuseConvChains } from "./conv-chain-fuse.ts";
import { bandOf, chainOf, imageOf, prefixOf, RESIDUAL, STAGES, type Stage, WEIGHT } from "./conv-chain-shape.ts";
import { type Convolution, convShapeWords, flopsOf } from "./conv-geometry.ts";
import { defineOp, type InferContext, type KernelArgument, type LowerContext } from "./define.ts";
import { finishOf } from "./finish-f32.ts";
import { depthwiseFloats, epilogueWords, packDepthwise, packFilters, panelFloats } from "./pack-f32.ts";
import { packedWeights } from "./packed-weights.ts";

/** The packed weights of one convolution, the same as its own kernels have, or 0 where it is absent. */
function weightsOf(ctx: LowerContext, stage: Stage, c: Convolution | undefined): KernelArgument {
  if (!c) return 0;
  const at = WEIGHT[stage];
  const layer = {
    input: (index: number) => ctx.input(at + index - 1),
    inputs: [undefined, ctx.inputs[at], ctx.inputs[at + 1]],
    weights: ctx.weights.bind(ctx),
  };
  const [n, k, taps] = [c.outChannels, c.inChannels, c.kernelHeight * c.kernelWidth];
  return stage === "depthwise"
    ? packedWeights(layer, "depthwise", depthwiseFloats(n, taps), (to, w, bias) => packDepthwise(to, w, bias, n, taps))
    : packedWeights(layer, "panels", panelFloats(n, k), (to, w, bias) => packFilters(to, w, bias, n, k, 1));
}

/** The kernel call of a chain. */
function lowerChain(ctx: LowerContext): void {
  const [x, y, residual] = [ctx.input(0), ctx.output(0), ctx.inputs[RESIDUAL]];
  const chain = chainOf(ctx.attributes, ctx.inputs);
  const { expand, depthwise, project } = chain;
  const { rows, scratchBytes } = bandOf(chain);
  const finishes = STAGES.flatMap((stage) => [...epilogueWords(finishOf(ctx.attributes.within(prefixOf(stage))))]);
  const shape = convShapeWords(depthwise, { ldy: project ? depthwise.outChannels : y.rowStride, bandRows: rows });
  const flops = [expand, depthwise, project].reduce((sum, c) => sum + (c ? flopsOf(c) : 0), 0);
  ctx.emitSplit(
    "f32_conv_chain",
    depthwise.batch * depthwise.outHeight,
    [
      y.pointer,
      x.pointer,
      weightsOf(ctx, "expand", expand),
      weightsOf(ctx, "depthwise", depthwise),
      weightsOf(ctx, "project", project),
      residual?.pointer ?? 0,
      ctx.table(Int32Array.from(finishes)),
      ctx.table(shape),
      x.shape[3]!,
      y.shape[3]!,
      y.rowStride,
      ctx.scratch(scratchBytes),
    ],
    { flops },
  );
}

/** y = project(depthwise(expand(x))), each a convolution with bias and finish of its own; the residual is the last one's. */
export const convChain = defineOp({
  name: "conv_chain",
  inPlace: [RESIDUAL],
  stridedOutput: true,
  fuse: fuseConvChains,
  infer(ctx: InferContext): TensorType[] {
    const { depthwise, project } = chainOf(ctx.attributes, ctx.inputs);
    return [imageOf(project ?? depthwise)];
  },
  lower: lowerChain,
});
