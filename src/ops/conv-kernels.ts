// The kernels that compute a float32 convolution, as one table: what each takes, costs and is called with.
import type { Candidate } from "./candidates.ts";
import { type Convolution, flopsOf, isDepthwise, isPointwise } from "./conv-geometry.ts";
import { type ConvLayer, isSquare, operandsOf, shapeOf } from "./conv-layer.ts";
import { WINOGRAD_KERNELS } from "./conv-winograd.ts";
import { type KernelArgument, offsetBy } from "./define.ts";
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
import { depthwiseFloats, PANEL, packDepthwise, packFilters, panelFloats } from "./pack-f32.ts";
import { packedWeights } from "./packed-weights.ts";
import { FEW_ROWS, productCost, strassenCost, TILE_ROWS } from "./product-cost.ts";

const isPackedDepthwise = (c: ConvLayer): boolean => c.packable && isDepthwise(c);

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
 * | layer | winograd | winograd 2×2 | direct | windows | gemm | depthwise square | depthwise |
 * |---|---|---|---|---|---|---|---|
 * | 56×56×64→64, 3×3 | 177 · 148 | 102 · 81 | 56 · 46 | 54 · 44 | | | |
 * | 28×28×128→128, 3×3 | 195 · 156 | 110 · 90 | 54 · 45 | 47 · 44 | | | |
 * | 14×14×256→256, 3×3 | 158 · 128 | 117 · 97 | 55 · 46 | 53 · 45 | | | |
 * | 7×7×512→512, 3×3 | 80 · 55 | 43 · 47 | 49 · 29 | 55 · 34 | | | |
 * | 6×6×512→512, 3×3 | 51 · 57 | 58 · 57 | | | | | |
 * | 2×2×256→256, 3×3 | 34 · 31 | 79 · 75 | | | | | |
 * | 32×32×16→16, 3×3 | 104 · 91 | 57 · 50 | 55 · 43 | 45 · 37 | | | |
 * | 224×224×3→32, 3×3 /2 | | | 43 · 31 | 42 · 31 | | | |
 * | 28×28×1→8, 5×5 | | | 37 · 27 | 16 · 12 | | | |
 * | 14×14×8→16, 5×5 | | | 55 · 44 | 43 · 34 | | | |
 * | 49×40×1→16, 8×8 | | | 51 · 37 | 31 · 24 | | | |
 * | 56×56×128→128, 3×3 /2 | 84 · 68 | | 52 · 44 | 54 · 43 | | | |
 * | 28×28×256→256, 3×3 /2 | 68 · 56 | | 55 · 45 | 56 · 45 | | | |
 * | 14×14×256→512, 3×3 /2 | 63 · 57 | | 47 · 40 | 56 · 45 | | | |
 * | 56×56×64→64, 1×1 | | | | 53 · 45 | 56 · 47 | | |
 * | 56×56×144, 3×3 depthwise | | | | | | 43 · 31 | 23 · 19 |
 * | 28×28×120, 5×5 depthwise | | | | | | 50 · 38 | 29 · 23 |
 * | 512×256→512, 5 in a line | 124 · 101 | | 52 · 46 | 49 · 42 | | | |
 * | 1500×128→128, 3 in a line | 95 · 75 | | 53 · 44 | 53 · 41 | | | |
 * | 200×64→64, 3 in a line | 86 · 71 | | 54 · 44 | 47 · 43 | | | |
 * | 100×16→16, 3 in a line | 30 · 31 | | 35 · 37 | 32 · 33 | | | |
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
  ...WINOGRAD_KERNELS,
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
