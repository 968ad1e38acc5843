// A float32 convolution as its kernels see it, and what all of them are called with.
import { type Convolution, convShapeWords, shapeText } from "./conv-geometry.ts";
import type { KernelArgument, LowerContext } from "./define.ts";
import { epilogueOf } from "./finish-f32.ts";
import { isPackable, pointerOf } from "./packed-weights.ts";

/** A convolution to be emitted, with what several kernels need to know of it. */
export interface ConvLayer extends Convolution {
  readonly ctx: LowerContext;
  /** Weights and bias are known before the run. */
  readonly packable: boolean;
  readonly pixels: number;
  /** Filters of a group, and weights of a filter. */
  readonly n: number;
  readonly k: number;
}

export function convLayerOf(ctx: LowerContext, c: Convolution): ConvLayer {
  const [n, k] = [c.outChannels / c.groups, (c.kernelHeight * c.kernelWidth * c.inChannels) / c.groups];
  return { ...c, ctx, packable: isPackable(ctx), pixels: c.batch * c.outHeight * c.outWidth, n, k };
}

/** What the times of a layer's kernels depend on. */
export const convKey = (c: ConvLayer): string => `conv2d float32 ${c.ctx.tier} ${shapeText(c)}`;

/** Squares of three or five with an even stride of one or two. */
export function isSquare(c: Convolution): boolean {
  const isSmall = c.kernelHeight === c.kernelWidth && (c.kernelHeight === 3 || c.kernelHeight === 5);
  return isSmall && c.strideHeight === c.strideWidth && c.strideHeight <= 2 && c.dilationHeight === 1 && c.dilationWidth === 1;
}

export const shapeOf = (c: ConvLayer, bandRows = 1): KernelArgument =>
  c.ctx.table(convShapeWords(c, { ldy: c.ctx.output(0).rowStride, bandRows }));

/** Output, input, weights, residual and epilogue: how every kernel's arguments begin. */
export const operandsOf = ({ ctx }: ConvLayer, weights: KernelArgument) =>
  [ctx.output(0).pointer, ctx.input(0).pointer, weights, pointerOf(ctx.inputs[3]), epilogueOf(ctx)] as const;
