// A convolution or dense layer on int8 activations and constant int8 weights, as kernel calls.
import type { TypedArray } from "../../graph/types.ts";
import { type Candidate, emitFastest } from "../candidates.ts";
import { DotKind } from "../codes.ts";
import { shapeText } from "../conv-geometry.ts";
import type { KernelArgument, LowerContext, Operand } from "../define.ts";
import { byteCost, bytePanelsBytes, byteScratchBytes, byteShapeWords, type Flip, packBytePanels } from "./bytes-shape.ts";
import {
  type ConvGeometry,
  type ConvOutput,
  type ConvWeights,
  convShapeWords,
  directCost,
  isMatrix,
  packPanels,
  panelsBytesOf,
  scratchBytesOf,
} from "./conv-shape.ts";
import { depthwisePanelsBytes, depthwiseScratchBytes, depthwiseShapeWords, packDepthwise } from "./depthwise-shape.ts";
import { fingerprint } from "./steps.ts";
import {
  isStrassen,
  type Levels,
  packStrassen,
  strassenBands,
  strassenBytes,
  strassenCost,
  strassenScratchBytes,
  strassenShapeWords,
} from "./strassen-shape.ts";
import {
  isWinograd,
  packWinograd,
  partsOf,
  tilesOf,
  winogradBytes,
  winogradCost,
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

const pixelsOf = ({ geometry: g, images }: Layer): number => images * g.outHeight * g.outWidth;

/** What the times of a layer's kernels depend on. */
const layerKey = ({ geometry: g, images, output }: Layer, tier: string): string =>
  `conv2d int8 ${output.kind} ${tier} ${shapeText({ batch: images, ...g })}`;

/** A layer, and what of the context decides about kernels. */
interface LayerInContext extends Layer {
  readonly ctx: LowerContext;
}

const isVector = (layer: LayerInContext): boolean => layer.isSymmetric && pixelsOf(layer) === 1 && isMatrix(layer.geometry);

/** Whether weights have the least step among them; looked for once, as models are planned again for other shapes. */
const haveLeast = new WeakMap<TypedArray, boolean>();

/** True where dot products of bytes are exact in this engine, and the weights are such that they are. */
function fitsBytes({ ctx, isSymmetric, owner }: LayerInContext): boolean {
  if (!isSymmetric || ctx.dot === DotKind.inexact) return false;
  if (ctx.dot === DotKind.unsigned) return true;
  const known = owner.known!;
  const least = owner.dataType === "uint8" ? 0 : -128;
  if (!haveLeast.has(known)) haveLeast.set(known, Array.prototype.includes.call(known, least));
  return !haveLeast.get(known);
}

const partsOfLayer = ({ geometry, output, weights }: LayerInContext): number | undefined => partsOf(geometry, weights(), output.xZero);

/**
 * The candidates; the first wins where costs are equal. GOP/s on one core of a Zen 4 whose FMA loop gives 56,
 * and, in the last column, of an Emerald Rapids with AVX-VNNI, where the int16 kernels give three quarters of theirs:
 *
 * | layer | int16 weights | int8 weights | Winograd | bytes |
 * |---|---|---|---|---|
 * | 480×480×480 | 89 | 80 | | 176 |
 * | 12544×64×32 | 65 | 60 | | 113 |
 * | 49×1024×1024 | 84 | 75 | | 166 |
 * | 56×56×64→64, 3×3 | 89 | 80 | 258 | 166 |
 * | 28×28×128→128, 3×3 | 90 | 81 | 216 | 179 |
 * | 14×14×256→256, 3×3 | 89 | 80 | 209 | 179 |
 * | 7×7×512→512, 3×3 | 79 | 75 | 218 | 164 |
 * | 32×32×16→16, 3×3 | 78 | | 87 | 127 |
 */
const LAYER_KERNELS: readonly Candidate<LayerInContext>[] = [
  {
    name: "int16 weights",
    takes: (layer) => !(layer.isSymmetric && layer.ctx.memory === "small"),
    cost: (layer) => (layer.isSymmetric && pixelsOf(layer) <= FEW_ROWS ? 1.2 : 1) * directCost(layer.geometry, layer.images),
    emit: (layer) => emitPanels(layer, 2),
  },
  {
    name: "int8 weights",
    takes: ({ isSymmetric }) => isSymmetric,
    cost: (layer) => (pixelsOf(layer) <= FEW_ROWS ? 1 : 1.1) * directCost(layer.geometry, layer.images),
    emit: (layer) => emitPanels(layer, 1),
  },
  { name: "vector", takes: isVector, cost: (layer) => 0.9 * directCost(layer.geometry, layer.images), emit: emitVector },
  { name: "bytes", takes: fitsBytes, cost: ({ geometry, images }) => byteCost(geometry, images), emit: emitBytes },
  strassenOf("strassen", 1),
  strassenOf("strassen, two levels", 2),
  {
    name: "winograd",
    takes: (layer) =>
      isWinograd(layer.geometry) && layer.output.kind === "int8" && layer.ctx.memory === "fast" && partsOfLayer(layer) !== undefined,
    cost: ({ geometry, images }) => winogradCost(geometry, images),
    emit: (layer) => emitWinograd(layer.ctx, layer, partsOfLayer(layer)!),
  },
];

export function emitLayer(ctx: LowerContext, layer: Layer): void {
  const { geometry: g, output } = layer;
  if (g.groups > 1 && g.groups === g.inChannels && output.kind === "int8") return emitDepthwise(ctx, { ...layer, geometry: lyingDown(g) });
  emitFastest(ctx, layerKey(layer, ctx.tier), { ...layer, ctx }, LAYER_KERNELS);
}

/** The weights as panels of int8 or int16. */
function panelsOf({ ctx, geometry, output, owner, key, weights }: LayerInContext, weightBytes: 1 | 2): KernelArgument {
  const bytes = panelsBytesOf(geometry, output.kind, weightBytes);
  return ctx.weights(owner, `qs8 ${weightBytes} ${key}`, bytes, (views) =>
    packPanels(views, geometry, output.kind, weightBytes, weights()),
  );
}

function emitPanels(layer: LayerInContext, weightBytes: 1 | 2): void {
  const { ctx, geometry, output, x, y, rowScale } = layer;
  const panels = panelsOf(layer, weightBytes);
  const table = ctx.table(convShapeWords(geometry, output, weightBytes));
  const kernel = weightBytes === 2 ? "qs8_conv_4x8" : "qs8_conv_4x8_small";
  const scratch = ctx.scratch(scratchBytesOf(geometry));
  ctx.emitSplit(kernel, pixelsOf(layer), [y, x, panels, rowScale, scratch, table], { flops: flopsOf(layer) });
}

const flipOf = ({ dot }: LowerContext): Flip => (dot === DotKind.unsigned ? 128 : 0);

function emitBytes(layer: LayerInContext): void {
  const { ctx, geometry, output, owner, key, weights, x, y, rowScale } = layer;
  const panels = ctx.weights(owner, `qs8 bytes ${key}`, bytePanelsBytes(geometry, output.kind), (views) =>
    packBytePanels(views, geometry, output.kind, weights()),
  );
  const table = ctx.table(byteShapeWords(geometry, output, flipOf(ctx)));
  const scratch = ctx.scratch(byteScratchBytes(geometry));
  ctx.emitSplit("qs8_conv_6x8c4", pixelsOf(layer), [y, x, panels, rowScale, scratch, table], { flops: flopsOf(layer) });
}

function emitVector(layer: LayerInContext): void {
  const { ctx, geometry, output, x, y, rowScale } = layer;
  const table = ctx.table(convShapeWords(geometry, output, 1));
  const units = Math.ceil(geometry.outChannels / 8);
  ctx.emitSplit("qs8_gemv", units, [y, x, panelsOf(layer, 1), rowScale, table], { flops: flopsOf(layer) });
}

function strassenOf(name: string, levels: Levels): Candidate<LayerInContext> {
  return {
    name,
    takes: ({ ctx, geometry, images, output }) =>
      isStrassen(geometry, levels) && images === 1 && output.kind === "int8" && ctx.memory === "fast",
    cost: ({ geometry }) => strassenCost(geometry, levels),
    emit: (layer) => emitStrassen(layer, levels),
  };
}

function emitStrassen(layer: LayerInContext, levels: Levels): void {
  const { ctx, geometry: g, output, owner, key, weights, x, y } = layer;
  const packed = ctx.weights(owner, `qs8 strassen ${levels} ${key}`, strassenBytes(g, levels), (views) =>
    packStrassen(views, g, weights(), levels),
  );
  const [scratch, table] = [ctx.scratch(strassenScratchBytes(g, levels)), ctx.table(strassenShapeWords(g, output, levels))];
  ctx.emitSplit("qs8_gemm_strassen", strassenBands(g), [y, x, packed, scratch, table], { flops: flopsOf(layer) });
}

/** A column of pixels is a row of them as well, and the depthwise kernel takes four pixels of a row at a time. */
function lyingDown(g: ConvGeometry): ConvGeometry {
  if (g.inWidth > 1 || g.outWidth > 1 || g.kernelWidth > 1 || g.padLeft > 0) return g;
  return {
    ...g,
    ...{ inHeight: 1, inWidth: g.inHeight, outHeight: 1, outWidth: g.outHeight, kernelHeight: 1, kernelWidth: g.kernelHeight },
    ...{ strideHeight: 1, strideWidth: g.strideHeight, dilationHeight: 1, dilationWidth: g.dilationHeight, padTop: 0, padLeft: g.padTop },
  };
}

function emitDepthwise(ctx: LowerContext, layer: Layer): void {
  const { geometry: g, images, output } = layer;
  const rows = fitsBytes({ ...layer, ctx }) ? 4 : 2;
  const flip = rows === 4 ? flipOf(ctx) : 0;
  const key = `qs8 depthwise ${rows} ${output.xZero} ${layer.key}`;
  const panels = ctx.weights(layer.owner, key, depthwisePanelsBytes(g, rows), (views) =>
    packDepthwise(views, g, layer.weights(), output.xZero, rows, flip),
  );
  const scratch = ctx.scratch(depthwiseScratchBytes(g, rows));
  const table = ctx.table(depthwiseShapeWords(g, output, rows, flip));
  const kernel = rows === 4 ? "qs8_dwconv_8c4" : "qs8_dwconv";
  ctx.emitSplit(kernel, images * g.outHeight, [layer.y, layer.x, panels, scratch, table], { flops: flopsOf(layer) });
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
