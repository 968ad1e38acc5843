// Convolution of images, NHWC with weights OHWI, in float32.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { type Convolution, convolutionOf, convShapeWords, flopsOf } from "./conv-geometry.ts";
import { computeConvolution } from "./conv-host.ts";
import { defineOp, type HostContext, type InferContext, type KernelArgument, type LowerContext, type Operand, offsetBy } from "./define.ts";
import { epilogueOf } from "./finish-f32.ts";
import { depthwiseFloats, PANEL, packDepthwise, packFilters, panelFloats } from "./pack-f32.ts";
import { packWinograd, winogradFloats, winogradScratchBytes } from "./winograd-weights.ts";

/** Rows of a tile of the inner product (assembly/lib/f32-panel.ts). */
const TILE_ROWS = { relaxed: 6, simd128: 4 } as const;

/** Up to this many rows, reading B once for each row is faster than a tile that is mostly empty. */
export const FEW_ROWS = 4;

type ConvKernel = "gemm" | "gemv" | "depthwise square" | "depthwise" | "winograd" | "windows";

/** Rows that `rows` rows cost: whole tiles, then single rows, unless these are nearly a tile. */
function costlyRows(rows: number, tileRows: number): number {
  const over = rows % tileRows;
  return rows - over + (over < tileRows - 1 ? 1.2 * over : tileRows);
}

/** Multiply-adds in whose time one weight comes from memory, where the weights are more than the caches keep. */
const ADDS_PER_DISTANT_WEIGHT = 7;
const NEAR_WEIGHTS = 2 ** 22;

/** Multiply-adds in whose time a product of `rows` rows by `weights` weights is done. */
function productCost(rows: number, weights: number, tileRows: number): number {
  const adds = costlyRows(rows, tileRows) * weights;
  return weights > NEAR_WEIGHTS ? Math.max(adds, ADDS_PER_DISTANT_WEIGHT * weights) : adds;
}

/**
 * True where Winograd's algorithm is expected to be faster. Its transforms are counted at what they cost beside a
 * product: 220 multiply-adds for an input and 160 for an output channel of a tile, fitted to the layers measured below.
 * What remains is up to 1.4 too hopeful, for small layers most of all.
 */
function winogradPays(c: Convolution, tileRows: number): boolean {
  const tiles = c.batch * Math.ceil(c.outHeight / 4) * Math.ceil(c.outWidth / 4);
  const filterWeights = c.inChannels * c.outChannels;
  const winograd = productCost(tiles, 36 * filterWeights, tileRows) + tiles * (220 * c.inChannels + 160 * c.outChannels);
  return winograd < 0.72 * productCost(c.batch * c.outHeight * c.outWidth, 9 * filterWeights, tileRows);
}

const isStill = (c: Convolution): boolean => c.strideHeight === 1 && c.strideWidth === 1 && c.dilationHeight === 1 && c.dilationWidth === 1;

/**
 * The choice of kernel. GF/s on one core of a Zen 4 whose FMA loop gives 57, relaxed · simd128:
 *
 * | layer | winograd | windows | gemm | depthwise square | depthwise |
 * |---|---|---|---|---|---|
 * | 56×56×64→64, 3×3 | 177 · 148 | 55 · 47 | | | |
 * | 28×28×128→128, 3×3 | 195 · 156 | 57 · 48 | | | |
 * | 14×14×256→256, 3×3 | 143 · 110 | 57 · 48 | | | |
 * | 7×7×512→512, 3×3 | 80 · 55 | 40 · 37 | | | |
 * | 32×32×16→16, 3×3 | 104 · 91 | 48 · 42 | | | |
 * | 56×56×64→64, 1×1 | | 53 · 45 | 56 · 47 | | |
 * | 56×56×128, 3×3 depthwise | | | | 36 · 29 | 18 · 16 |
 * | 28×28×120, 5×5 depthwise | | | | 51 · 40 | 22 · 19 |
 */
function chooseKernel(c: Convolution, { tier, memory }: LowerContext): ConvKernel {
  const taps = c.kernelHeight * c.kernelWidth;
  const pixels = c.batch * c.outHeight * c.outWidth;
  if (c.groups > 1 && c.groups === c.inChannels && c.groups === c.outChannels) {
    const isSquare = c.kernelHeight === c.kernelWidth && (c.kernelHeight === 3 || c.kernelHeight === 5);
    const isEven = c.strideHeight === c.strideWidth && c.strideHeight <= 2 && c.dilationHeight === 1 && c.dilationWidth === 1;
    return isSquare && isEven ? "depthwise square" : "depthwise";
  }
  // The window of every output pixel is the input as it lies.
  const isWhole = c.padTop === 0 && c.padLeft === 0 && c.kernelHeight === c.inHeight && c.kernelWidth === c.inWidth && pixels === c.batch;
  const isPointwise =
    taps === 1 && isStill(c) && c.padTop === 0 && c.padLeft === 0 && c.outHeight === c.inHeight && c.outWidth === c.inWidth;
  if (c.groups === 1 && (isPointwise || (isWhole && c.dilationHeight === 1 && c.dilationWidth === 1)))
    return pixels <= FEW_ROWS ? "gemv" : "gemm";
  const isWinograd = c.groups === 1 && c.inChannels >= 4 && c.kernelHeight === 3 && c.kernelWidth === 3 && isStill(c) && memory === "fast";
  if (isWinograd && winogradPays(c, TILE_ROWS[tier])) return "winograd";
  return "windows";
}

/** Bytes of windows in scratch at once. From 32 KB to 512 KB the speed is the same within 3 %. */
const BAND_BYTES = 128 << 10;

/** Bytes of transformed tiles in scratch at once; bands of 12 to 30 tiles are the same within 3 % where these fit. */
const WINOGRAD_BAND_BYTES = 640 << 10;

/** A few bits of a bias, to tell packings of shared weights apart. */
function fingerprint(bias: ArrayLike<number> | undefined): string {
  if (!bias) return "";
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(Float32Array.from(bias).buffer)) hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
  return `:${hash}`;
}

/** Packs constant weights (with their bias) once a model. */
export function packedWeights(
  ctx: LowerContext,
  key: string,
  floats: number,
  pack: (to: Float32Array, weights: Float32Array, bias: Float32Array | undefined) => void,
): KernelArgument {
  const [weight, bias] = [ctx.input(1), ctx.inputs[2]];
  const [weights, terms] = [weight.known as Float32Array, bias?.known as Float32Array | undefined];
  return ctx.weights(weight, `${key}${fingerprint(terms)}`, floats * 4, ({ f32 }) => pack(f32, weights, terms));
}

/** True where weights and bias are known before the run. */
export const isPackable = (ctx: LowerContext): boolean =>
  ctx.input(1).known !== undefined && (!ctx.inputs[2] || ctx.inputs[2].known !== undefined);

/** Pointer or null pointer of an optional operand. */
const pointerOf = (operand: Operand | undefined): KernelArgument => operand?.pointer ?? 0;

/** Packs weights that only a run tells into scratch. */
function packInRun(ctx: LowerContext, c: Convolution, n: number, k: number): KernelArgument {
  const panels = ctx.scratch(c.groups * panelFloats(n, k) * 4);
  const [weight, bias] = [ctx.input(1), ctx.inputs[2]];
  for (let group = 0; group < c.groups; group++) {
    const to = offsetBy(panels, group * panelFloats(n, k) * 4);
    const terms = bias ? offsetBy(bias.pointer, group * n * 4) : 0;
    ctx.emitSplit("f32_pack_panels", Math.ceil(n / PANEL), [to, offsetBy(weight.pointer, group * n * k * 4), terms, n, k, 1, k, 1]);
  }
  return panels;
}

/** Kernel steps of a float32 convolution. */
export function lowerConv(ctx: LowerContext): void {
  const [x, y, residual] = [ctx.input(0), ctx.output(0), ctx.inputs[3]];
  const c = convolutionOf(ctx.attributes, x, ctx.input(1));
  if (y.size === 0) return;
  check(
    !residual || residual.size === y.size,
    "shape",
    () => `the residual must have the output's ${y.size} elements, found ${residual?.size}`,
  );
  const packable = isPackable(ctx);
  const kernel = packable ? chooseKernel(c, ctx) : "windows";
  const [n, k] = [c.outChannels / c.groups, (c.kernelHeight * c.kernelWidth * c.inChannels) / c.groups];
  const [epilogue, cost] = [epilogueOf(ctx), { flops: flopsOf(c) }];
  const pixels = c.batch * c.outHeight * c.outWidth;
  const ldy = y.rowStride;
  const shape = (bandRows = 1) => ctx.table(convShapeWords(c, { ldy, bandRows }));
  const panels = () =>
    packable
      ? packedWeights(ctx, "panels", c.groups * panelFloats(n, k), (to, weights, bias) =>
          packFilters(to, weights, bias, c.outChannels, k, c.groups),
        )
      : packInRun(ctx, c, n, k);
  switch (kernel) {
    case "gemm":
      ctx.emitSplit("f32_gemm", pixels, [y.pointer, x.pointer, panels(), pointerOf(residual), epilogue, n, k, ldy, k, n], cost);
      return;
    case "gemv":
      ctx.emitSplit(
        "f32_gemv",
        Math.ceil(n / PANEL),
        [y.pointer, x.pointer, panels(), pointerOf(residual), epilogue, pixels, n, k, ldy, k, n],
        cost,
      );
      return;
    case "depthwise square":
    case "depthwise": {
      const taps = c.kernelHeight * c.kernelWidth;
      const weights = packedWeights(ctx, "depthwise", depthwiseFloats(n * c.groups, taps), (to, w, bias) =>
        packDepthwise(to, w, bias, c.groups, taps),
      );
      const name = kernel === "depthwise" ? "f32_dwconv" : "f32_dwconv_square";
      ctx.emitSplit(name, c.batch * c.outHeight, [y.pointer, x.pointer, weights, pointerOf(residual), epilogue, shape()], cost);
      return;
    }
    case "winograd":
      return emitWinograd(ctx, c, epilogue, shape);
    case "windows": {
      const rows = Math.min(Math.max(Math.floor(BAND_BYTES / (k * 120)), 1) * 30, pixels);
      const scratch = ctx.scratch(rows * k * 4);
      ctx.emitSplit("f32_conv", pixels, [y.pointer, x.pointer, panels(), pointerOf(residual), epilogue, shape(rows), scratch], cost);
      return;
    }
    default:
      kernel satisfies never;
  }
}

function emitWinograd(ctx: LowerContext, c: Convolution, epilogue: KernelArgument, shape: (bandRows: number) => KernelArgument): void {
  const [channels, filters] = [c.inChannels, c.outChannels];
  const tiles = c.batch * Math.ceil(c.outHeight / 4) * Math.ceil(c.outWidth / 4);
  const tileRows = TILE_ROWS[ctx.tier];
  const fitting = Math.floor(WINOGRAD_BAND_BYTES / (36 * 4 * (channels + filters)) / tileRows) * tileRows;
  const band = Math.min(Math.max(fitting, 2 * tileRows), tiles, 5 * tileRows);
  const weights = packedWeights(ctx, "winograd", winogradFloats(4, filters, channels), (to, w, bias) =>
    packWinograd(to, w, bias, filters, channels, 4),
  );
  const scratch = ctx.scratch(winogradScratchBytes(4, band, channels, filters));
  const args = [ctx.output(0).pointer, ctx.input(0).pointer, weights, pointerOf(ctx.inputs[3]), epilogue, shape(band), scratch] as const;
  ctx.emitSplit("f32_winograd_4x4", tiles, [...args], { flops: flopsOf(c) });
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
