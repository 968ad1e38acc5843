// A convolution or dense layer on int8 activations and constant int8 weights, as kernel calls.
import type { KernelArgument, LowerContext, Operand } from "../define.ts";
import {
  type ConvGeometry,
  type ConvOutput,
  type ConvWeights,
  convShapeWords,
  packPanels,
  panelsBytesOf,
  scratchBytesOf,
} from "./conv-shape.ts";
import { depthwisePanelsBytes, depthwiseScratchBytes, depthwiseShapeWords, packDepthwise } from "./depthwise-shape.ts";
import { fingerprint } from "./steps.ts";
import {
  isFaster,
  isWinograd,
  packWinograd,
  partsOf,
  tilesOf,
  winogradBytes,
  winogradScratchBytes,
  winogradShapeWords,
} from "./winograd-shape.ts";

/** A layer whose operands are resolved. */
export interface Layer {
  /** Over one image after another. */
  readonly geometry: ConvGeometry;
  readonly images: number;
  readonly x: KernelArgument;
  readonly y: KernelArgument;
  readonly output: ConvOutput;
  /** The operand that the weights belong to, and the weights as OHWI. */
  readonly owner: Operand;
  readonly weights: () => ConvWeights;
  /** Tells this packing from others of the same weights. */
  readonly key: string;
  readonly isSymmetric: boolean;
  /** { scale, zero } of the rows, where the output is float32. */
  readonly rowScale: KernelArgument;
}

/** Rows up to which the bytes of the weights cost more than widening them does. */
const FEW_ROWS = 8;

const flopsOf = ({ geometry: g, images }: Layer): number =>
  (2 * images * g.outHeight * g.outWidth * g.outChannels * g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups;

/**
 * The choice of kernel; GOP/s on one core of a Zen 4 whose FMA loop gives 56.
 *
 * | layer | int16 weights | int8 weights | Winograd |
 * |---|---|---|---|
 * | 480×480×480 | 89 | 80 | |
 * | 12544×32×64 | 65 | 60 | |
 * | 49×1024×1024 | 84 | 75 | |
 * | 56×56×64→64, 3×3 | 89 | 80 | 258 |
 * | 28×28×128→128, 3×3 | 90 | 81 | 216 |
 * | 14×14×256→256, 3×3 | 89 | 80 | 209 |
 * | 7×7×512→512, 3×3 | 79 | 75 | 218 |
 * | 32×32×16→16, 3×3 | 78 | | 87 |
 */
export function emitLayer(ctx: LowerContext, layer: Layer): void {
  const { geometry: g, images, output } = layer;
  const pixels = images * g.outHeight * g.outWidth;
  if (g.groups > 1 && g.groups === g.inChannels && output.kind === "int8") return emitDepthwise(ctx, { ...layer, geometry: lyingDown(g) });
  const mayTransform = isWinograd(g) && output.kind === "int8" && ctx.memory === "fast" && isFaster(g, images);
  const parts = mayTransform ? partsOf(g, layer.weights(), output.xZero) : undefined;
  if (parts) return emitWinograd(ctx, layer, parts);
  const weightBytes = layer.isSymmetric && (pixels <= FEW_ROWS || ctx.memory === "small") ? 1 : 2;
  const bytes = panelsBytesOf(g, output.kind, weightBytes);
  const panels = ctx.weights(layer.owner, `qs8 ${weightBytes} ${layer.key}`, bytes, (views) =>
    packPanels(views, g, output.kind, weightBytes, layer.weights()),
  );
  const table = ctx.table(convShapeWords(g, output, weightBytes));
  const cost = { flops: flopsOf(layer) };
  if (pixels === 1 && weightBytes === 1 && g.kernelHeight * g.kernelWidth === 1 && g.groups === 1) {
    ctx.emitSplit("qs8_gemv", Math.ceil(g.outChannels / 8), [layer.y, layer.x, panels, layer.rowScale, table], cost);
    return;
  }
  const scratch = ctx.scratch(scratchBytesOf(g));
  const kernel = weightBytes === 2 ? "qs8_conv_4x8" : "qs8_conv_4x8_small";
  ctx.emitSplit(kernel, pixels, [layer.y, layer.x, panels, layer.rowScale, scratch, table], cost);
}

/** A column of pixels is a row of them as well, and the depthwise kernel takes four pixels of a row at a time. */
function lyingDown(g: ConvGeometry): ConvGeometry {
  if (g.inWidth > 1 || g.outWidth > 1 || g.kernelWidth > 1) return g;
  return {
    ...g,
    ...{ inHeight: 1, inWidth: g.inHeight, outHeight: 1, outWidth: g.outHeight, kernelHeight: 1, kernelWidth: g.kernelHeight },
    ...{ strideHeight: 1, strideWidth: g.strideHeight, dilationHeight: 1, dilationWidth: g.dilationHeight, padTop: 0, padLeft: g.padTop },
  };
}

function emitDepthwise(ctx: LowerContext, layer: Layer): void {
  const { geometry: g, images, output } = layer;
  const panels = ctx.weights(layer.owner, `qs8 depthwise ${output.xZero} ${layer.key}`, depthwisePanelsBytes(g), (views) =>
    packDepthwise(views, g, layer.weights(), output.xZero),
  );
  const scratch = ctx.scratch(depthwiseScratchBytes(g));
  const table = ctx.table(depthwiseShapeWords(g, output));
  ctx.emitSplit("qs8_dwconv", images * g.outHeight, [layer.y, layer.x, panels, scratch, table], { flops: flopsOf(layer) });
}

function emitWinograd(ctx: LowerContext, layer: Layer, parts: number): void {
  const { geometry: g, images, output } = layer;
  const weights = ctx.weights(layer.owner, `qs8 winograd ${layer.key}`, winogradBytes(g), (views) =>
    packWinograd(views, g, layer.weights()),
  );
  const scratch = ctx.scratch(winogradScratchBytes(g, images, parts));
  const table = ctx.table(winogradShapeWords(g, output, images, parts));
  ctx.emitSplit("qs8_winograd_4x4", images * tilesOf(g), [layer.y, layer.x, weights, scratch, table], { flops: flopsOf(layer) });
}

/** The key of a packing: what besides the weights goes into it. */
export const packingKey = (kind: string, bias: ArrayLike<number> | undefined, scales: ArrayLike<number>): string =>
  `${kind} ${fingerprint(bias, scales)}`;
