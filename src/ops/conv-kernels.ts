// The kernels that compute a float32 convolution, as one table: what each takes, costs and is called with.
import type { Candidate } from "./candidates.ts";
import { type Convolution, convShapeWords, flopsOf, isDepthwise, isPointwise, shapeText } from "./conv-geometry.ts";
import { type KernelArgument, type LowerContext, offsetBy } from "./define.ts";
import {
  type DenseProduct,
  emitFolded,
  emitGemm,
  emitGemv,
  emitStrassen,
  foldedCost,
  takesFolded,
  takesStrassen,
} from "./dense-kernels.ts";
import { epilogueOf } from "./finish-f32.ts";
import { depthwiseFloats, PANEL, packDepthwise, packFilters, panelFloats } from "./pack-f32.ts";
import { isPackable, packedWeights, pointerOf } from "./packed-weights.ts";
import { FEW_ROWS, productCost, strassenCost, TILE_ROWS } from "./product-cost.ts";
import { lineShapeWords, linesOf, packWinogradLine, winogradLineFloats, winogradLineScratchBytes } from "./winograd-line-weights.ts";
import {
  packWinograd,
  type WinogradStride,
  winogradFloats,
  winogradScratchBytes,
  winogradSide,
  winogradTiles,
} from "./winograd-weights.ts";

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

const isPackedDepthwise = (c: ConvLayer): boolean => c.packable && isDepthwise(c);

/** Squares of three or five with an even stride of one or two. */
function isSquare(c: Convolution): boolean {
  const isSmall = c.kernelHeight === c.kernelWidth && (c.kernelHeight === 3 || c.kernelHeight === 5);
  return isSmall && c.strideHeight === c.strideWidth && c.strideHeight <= 2 && c.dilationHeight === 1 && c.dilationWidth === 1;
}

/** Input rows from the first to the last that `rows` output rows see, and likewise for columns. */
const rowsUnder = (c: Convolution, rows: number): number => (rows - 1) * c.strideHeight + (c.kernelHeight - 1) * c.dilationHeight + 1;
const columnsUnder = (c: Convolution, columns: number): number => (columns - 1) * c.strideWidth + c.kernelWidth;

/**
 * Floats from one window to the next where the input is the matrix of windows as it lies: a pixel each, the whole image, or
 * a part of an image of one column or one row, where windows may overlap. Undefined elsewhere.
 */
function windowStep(c: ConvLayer): number | undefined {
  if (!c.packable || c.groups > 1 || c.padTop !== 0 || c.padLeft !== 0) return undefined;
  if (rowsUnder(c, c.outHeight) > c.inHeight || columnsUnder(c, c.outWidth) > c.inWidth) return undefined;
  const isDense = c.dilationHeight === 1 && c.dilationWidth === 1;
  if (isPointwise(c) || (isDense && c.kernelHeight === c.inHeight && c.kernelWidth === c.inWidth)) return c.k;
  if (!isDense || c.batch > 1) return undefined;
  if (c.kernelWidth === c.inWidth) return c.strideHeight * c.inWidth * c.inChannels;
  return c.inHeight === 1 ? c.strideWidth * c.inChannels : undefined;
}

const isProduct = (c: ConvLayer): boolean => windowStep(c) !== undefined;

/** True where the taps of a kernel's row are neighbours in memory. */
const isJoined = (c: ConvLayer): boolean => c.groups === 1 && c.dilationWidth === 1;

const isDirect = (c: ConvLayer): boolean => isJoined(c) && c.padTop >= 0 && c.padLeft >= 0;

const isWinograd = (c: ConvLayer): boolean =>
  c.packable && c.groups === 1 && c.inChannels >= 4 && c.kernelHeight === 3 && isSquare(c) && c.ctx.memory === "fast";

const winogradStride = (c: Convolution): WinogradStride => (c.strideHeight === 1 ? 1 : 2);

/** Multiply-adds in whose time a tile is transformed, for each input and each output channel, by stride. */
const TRANSFORM_COSTS = { 1: [220, 160], 2: [640, 380] } as const;

/** To the products come the transforms and the weights, which come from afar and count where tiles are few. */
function winogradCost(c: ConvLayer): number {
  const [tiles, stride] = [winogradTiles(c), winogradStride(c)];
  const [input, output] = TRANSFORM_COSTS[stride];
  const products = winogradSide(stride) ** 2 * productCost(tiles, c.inChannels * c.outChannels, c.ctx.tier);
  const weights = 36 * c.inChannels * c.outChannels;
  return (products + tiles * (3000 + input * c.inChannels + output * c.outChannels) + 5 * weights) / 0.9;
}

const isWinogradLine = (c: ConvLayer): boolean =>
  c.packable && c.groups === 1 && c.inChannels >= 4 && c.ctx.memory === "fast" && linesOf(c) !== undefined;

/** As `winogradCost`, fitted to lines of 16 to 512 channels: what a tile costs without its channels decides for few of them. */
function winogradLineCost(c: ConvLayer): number {
  const { tiles } = linesOf(c)!;
  const products = productCost(tiles, 8 * c.inChannels * c.outChannels, c.ctx.tier);
  return (products + tiles * (3000 + 25 * c.inChannels + 45 * c.outChannels)) / 0.8;
}

/** To a product come the starts of windows and, for every panel of filters, those of the kernel's rows. */
function directCost(c: ConvLayer): number {
  const starts = c.pixels * (40 + Math.ceil(c.n / PANEL) * (30 + 6 * c.kernelHeight));
  const tileRows = TILE_ROWS[c.ctx.tier];
  return starts + Math.ceil(c.pixels / tileRows) * tileRows * c.n * c.k;
}

/** To a product comes the copy, run by run of each window. */
function windowsCost(c: ConvLayer): number {
  const runs = isJoined(c) ? c.kernelHeight : c.kernelHeight * c.kernelWidth;
  return wholeCost(c) + c.pixels * c.groups * (75 * runs + 2.4 * c.k + 20 * Math.ceil(c.n / PANEL));
}

/** The product that a convolution is where its windows lie in the input. */
function denseOf(c: ConvLayer): DenseProduct {
  const { ctx, pixels: m, n, k } = c;
  return { ctx, m, n, k, a: ctx.input(0).pointer, lda: windowStep(c)!, ldy: ctx.output(0).rowStride, transposeB: true, alpha: 1 };
}

const wholeCost = (c: ConvLayer): number => c.groups * productCost(c.pixels, c.n * c.k, c.ctx.tier);

/**
 * The candidates; the first wins where costs are equal. GF/s on one core of a Zen 4 whose FMA loop gives 57,
 * relaxed · simd128:
 *
 * | layer | winograd | direct | windows | gemm | depthwise square | depthwise |
 * |---|---|---|---|---|---|---|
 * | 56×56×64→64, 3×3 | 177 · 148 | 56 · 46 | 54 · 44 | | | |
 * | 28×28×128→128, 3×3 | 195 · 156 | 54 · 45 | 47 · 44 | | | |
 * | 14×14×256→256, 3×3 | 158 · 128 | 55 · 46 | 53 · 45 | | | |
 * | 7×7×512→512, 3×3 | 80 · 55 | 49 · 29 | 55 · 34 | | | |
 * | 32×32×16→16, 3×3 | 104 · 91 | 55 · 43 | 45 · 37 | | | |
 * | 224×224×3→32, 3×3 /2 | | 43 · 31 | 42 · 31 | | | |
 * | 28×28×1→8, 5×5 | | 37 · 27 | 16 · 12 | | | |
 * | 14×14×8→16, 5×5 | | 55 · 44 | 43 · 34 | | | |
 * | 49×40×1→16, 8×8 | | 51 · 37 | 31 · 24 | | | |
 * | 56×56×128→128, 3×3 /2 | 84 · 68 | 52 · 44 | 54 · 43 | | | |
 * | 28×28×256→256, 3×3 /2 | 68 · 56 | 55 · 45 | 56 · 45 | | | |
 * | 14×14×256→512, 3×3 /2 | 63 · 57 | 47 · 40 | 56 · 45 | | | |
 * | 56×56×64→64, 1×1 | | | 53 · 45 | 56 · 47 | | |
 * | 56×56×144, 3×3 depthwise | | | | | 43 · 31 | 23 · 19 |
 * | 28×28×120, 5×5 depthwise | | | | | 50 · 38 | 29 · 23 |
 * | 512×256→512, 5 in a line | 124 · 101 | 52 · 46 | 49 · 42 | | | |
 * | 1500×128→128, 3 in a line | 95 · 75 | 53 · 44 | 53 · 41 | | | |
 * | 200×64→64, 3 in a line | 86 · 71 | 54 · 44 | 47 · 43 | | | |
 * | 100×16→16, 3 in a line | 30 · 31 | 35 · 37 | 32 · 33 | | | |
 */
export const CONV_KERNELS: readonly Candidate<ConvLayer>[] = [
  {
    name: "gemv",
    takes: (c) => isProduct(c) && c.pixels <= FEW_ROWS,
    cost: (c) => c.pixels * c.n * c.k,
    emit: (c) => emitGemv(denseOf(c)),
  },
  { name: "gemm", takes: isProduct, cost: wholeCost, emit: (c) => emitGemm(denseOf(c)) },
  {
    name: "strassen",
    takes: (c) => isProduct(c) && takesStrassen({ ...c, m: c.pixels }),
    cost: (c) => strassenCost(c.pixels, c.n, c.k),
    emit: (c) => emitStrassen(denseOf(c)),
  },
  {
    name: "folded",
    takes: (c) => isProduct(c) && takesFolded(denseOf(c)),
    cost: (c) => foldedCost(denseOf(c)),
    emit: (c) => emitFolded(denseOf(c)),
  },
  {
    name: "depthwise square",
    takes: (c) => isPackedDepthwise(c) && isSquare(c),
    cost: (c) => 1.4 * c.pixels * c.outChannels * c.k,
    emit: (c) => emitDepthwise(c, "f32_dwconv_square"),
  },
  {
    name: "depthwise",
    takes: isPackedDepthwise,
    cost: (c) => 3 * c.pixels * c.outChannels * c.k,
    emit: (c) => emitDepthwise(c, "f32_dwconv"),
  },
  { name: "direct", takes: isDirect, cost: directCost, emit: emitDirect },
  { name: "windows", takes: (c) => !isPackedDepthwise(c), cost: windowsCost, emit: emitWindows },
  { name: "winograd", takes: isWinograd, cost: winogradCost, emit: emitWinograd },
  { name: "winograd line", takes: isWinogradLine, cost: winogradLineCost, emit: emitWinogradLine },
];

/**
 * Bytes of windows in scratch at once. From 32 KB to 512 KB the speed is the same within 3 %, unless the weights come from
 * afar, once for every band.
 */
const BAND_BYTES = 128 << 10;
const FAR_WEIGHTS = 2 ** 19;
const FAR_BAND_BYTES = 1 << 20;

/** Bytes of padded rows in scratch at once. From 64 KB to 256 KB the speed is the same within 2 %. */
const PADDED_BYTES = 128 << 10;

/**
 * Bytes of transformed tiles in scratch at once; bands of 12 to 30 tiles are the same within 3 % where these fit. Where they do
 * not, one row of tiles of the product is up to 22 % faster than two (20×20×256→256), unless not even the last cache
 * keeps the weights from one band to the next: then it is 8 % slower (14×14×512→512).
 */
const WINOGRAD_BAND_BYTES = 560 << 10;
const FAR_WINOGRAD_WEIGHTS = 2 ** 22;

/** Packs weights that only a run tells into scratch. */
function packInRun({ ctx, groups, n, k }: ConvLayer): KernelArgument {
  const panels = ctx.scratch(groups * panelFloats(n, k) * 4);
  const [weight, bias] = [ctx.input(1), ctx.inputs[2]];
  for (let group = 0; group < groups; group++) {
    const to = offsetBy(panels, group * panelFloats(n, k) * 4);
    const terms = bias ? offsetBy(bias.pointer, group * n * 4) : 0;
    ctx.emitSplit("f32_pack_panels", Math.ceil(n / PANEL), [to, offsetBy(weight.pointer, group * n * k * 4), terms, n, k, 1, k, 1]);
  }
  return panels;
}

function panelsOf(c: ConvLayer): KernelArgument {
  if (!c.packable) return packInRun(c);
  return packedWeights(c.ctx, "panels", c.groups * panelFloats(c.n, c.k), (to, weights, bias) =>
    packFilters(to, weights, bias, c.outChannels, c.k, c.groups),
  );
}

const shapeOf = (c: ConvLayer, bandRows = 1): KernelArgument =>
  c.ctx.table(convShapeWords(c, { ldy: c.ctx.output(0).rowStride, bandRows }));

/** Output, input, weights, residual and epilogue: how every kernel's arguments begin. */
const operandsOf = ({ ctx }: ConvLayer, weights: KernelArgument) =>
  [ctx.output(0).pointer, ctx.input(0).pointer, weights, pointerOf(ctx.inputs[3]), epilogueOf(ctx)] as const;

function emitDepthwise(c: ConvLayer, kernel: "f32_dwconv" | "f32_dwconv_square"): void {
  const weights = packedWeights(c.ctx, "depthwise", depthwiseFloats(c.outChannels, c.k), (to, w, bias) =>
    packDepthwise(to, w, bias, c.groups, c.k),
  );
  c.ctx.emitSplit(kernel, c.batch * c.outHeight, [...operandsOf(c, weights), shapeOf(c)], { flops: flopsOf(c) });
}

function emitWindows(c: ConvLayer): void {
  const [bytes, least] = c.n * c.k > FAR_WEIGHTS ? [FAR_BAND_BYTES, 2] : [BAND_BYTES, 1];
  const rows = Math.min(Math.max(Math.floor(bytes / (c.k * 120)), least) * 30, c.pixels);
  const scratch = c.ctx.scratch(rows * c.k * 4);
  c.ctx.emitSplit("f32_conv", c.pixels, [...operandsOf(c, panelsOf(c)), shapeOf(c, rows), scratch], { flops: flopsOf(c) });
}

function emitDirect(c: ConvLayer): void {
  const isPadded = c.padTop > 0 || c.padLeft > 0 || rowsUnder(c, c.outHeight) > c.inHeight || columnsUnder(c, c.outWidth) > c.inWidth;
  const rowBytes = columnsUnder(c, c.outWidth) * c.inChannels * 4;
  const fitting = Math.floor((PADDED_BYTES / rowBytes - rowsUnder(c, 1)) / c.strideHeight) + 1;
  const rows = Math.min(Math.max(fitting, 1), c.outHeight);
  const scratch = isPadded ? c.ctx.scratch(rowsUnder(c, rows) * rowBytes) : 0;
  const args = [...operandsOf(c, panelsOf(c)), shapeOf(c, rows), scratch] as const;
  c.ctx.emitSplit("f32_conv_direct", c.batch * c.outHeight, [...args], { flops: flopsOf(c) });
}

function emitWinograd(c: ConvLayer): void {
  const { ctx, inChannels: channels, outChannels: filters } = c;
  const [tiles, stride] = [winogradTiles(c), winogradStride(c)];
  const tileRows = TILE_ROWS[ctx.tier];
  const fitting = Math.floor(WINOGRAD_BAND_BYTES / (winogradSide(stride) ** 2 * 4 * (channels + filters)) / tileRows) * tileRows;
  const least = 36 * channels * filters > FAR_WINOGRAD_WEIGHTS ? 2 : 1;
  const band = Math.min(Math.max(fitting, least * tileRows), tiles, 5 * tileRows);
  const weights = packedWeights(ctx, "winograd", winogradFloats(filters, channels), (to, w, bias) =>
    packWinograd(to, w, bias, filters, channels, stride),
  );
  const scratch = ctx.scratch(winogradScratchBytes(stride, band, channels, filters));
  ctx.emitSplit("f32_winograd_4x4", tiles, [...operandsOf(c, weights), shapeOf(c, band), scratch], { flops: flopsOf(c) });
}

function emitWinogradLine(c: ConvLayer): void {
  const { ctx, inChannels: channels, outChannels: filters } = c;
  const lines = linesOf(c)!;
  const tileRows = TILE_ROWS[ctx.tier];
  const fitting = Math.floor(WINOGRAD_BAND_BYTES / (8 * 4 * (channels + filters)) / tileRows) * tileRows;
  const bandTiles = Math.min(Math.max(fitting, 5 * tileRows), lines.tiles);
  const weights = packedWeights(ctx, "winograd line", winogradLineFloats(filters, channels), (to, w, bias) =>
    packWinogradLine(to, w, bias, { filters, taps: lines.taps, channels }),
  );
  const shape = ctx.table(lineShapeWords(lines, { channels, filters, ldy: ctx.output(0).rowStride, bandTiles }));
  const scratch = ctx.scratch(winogradLineScratchBytes(bandTiles, channels, filters));
  ctx.emitSplit("f32_winograd_line", lines.tiles, [...operandsOf(c, weights), shape, scratch], { flops: flopsOf(c) });
}
