// Winograd's algorithm among the kernels of a float32 convolution: squares of three by three taps, and lines of taps.
import type { Candidate } from "./candidates.ts";
import { type Convolution, flopsOf } from "./conv-geometry.ts";
import { type ConvLayer, isSquare, operandsOf, shapeOf } from "./conv-layer.ts";
import { packedWeights } from "./packed-weights.ts";
import { productCost, TILE_ROWS } from "./product-cost.ts";
import { lineShapeWords, linesOf, packWinogradLine, winogradLineFloats, winogradLineScratchBytes } from "./winograd-line-weights.ts";
import {
  LARGE,
  packWinograd,
  SMALL,
  STRIDED,
  type WinogradForm,
  winogradFloats,
  winogradScratchBytes,
  winogradTiles,
} from "./winograd-weights.ts";

const isWinograd = (c: ConvLayer): boolean =>
  c.packable && c.groups === 1 && c.inChannels >= 4 && c.kernelHeight === 3 && isSquare(c) && c.ctx.memory === "fast";

/** The form with the larger tiles. */
const formOf = (c: Convolution): WinogradForm => (c.strideHeight === 1 ? LARGE : STRIDED);

/** Multiply-adds in whose time a tile is transformed, for each input and each output channel; and the speed of the whole. */
const WINOGRAD_COSTS: ReadonlyMap<WinogradForm, readonly [input: number, output: number, speed: number]> = new Map([
  [LARGE, [220, 160, 0.9]],
  [SMALL, [130, 100, 0.85]],
  [STRIDED, [640, 380, 0.9]],
]);

/** To the products come the transforms and the weights, which come from afar and count where tiles are few. */
function winogradCost(c: ConvLayer, form: WinogradForm): number {
  const tiles = winogradTiles(c, form);
  const [input, output, speed] = WINOGRAD_COSTS.get(form)!;
  const products = form.side ** 2 * productCost(tiles, c.inChannels * c.outChannels, c.ctx.tier);
  const weights = form.weights ** 2 * c.inChannels * c.outChannels;
  return (products + tiles * (3000 + input * c.inChannels + output * c.outChannels) + 5 * weights) / speed;
}

const isWinogradLine = (c: ConvLayer): boolean =>
  c.packable && c.groups === 1 && c.inChannels >= 4 && c.ctx.memory === "fast" && linesOf(c) !== undefined;

/** As `winogradCost`, fitted to lines of 16 to 512 channels: what a tile costs without its channels decides for few of them. */
function winogradLineCost(c: ConvLayer): number {
  const { tiles } = linesOf(c)!;
  const products = productCost(tiles, 8 * c.inChannels * c.outChannels, c.ctx.tier);
  return (products + tiles * (3000 + 25 * c.inChannels + 45 * c.outChannels)) / 0.8;
}

/**
 * Bytes of transformed tiles in scratch at once; bands of 12 to 30 tiles are the same within 3 % where these fit. Where they do
 * not, one row of tiles of the product is up to 22 % faster than two (20×20×256→256), unless not even the last cache
 * keeps the weights from one band to the next: then it is 8 % slower (14×14×512→512).
 */
const WINOGRAD_BAND_BYTES = 560 << 10;
const FAR_WINOGRAD_WEIGHTS = 2 ** 22;

function emitWinograd(c: ConvLayer, form: WinogradForm): void {
  const { ctx, inChannels: channels, outChannels: filters } = c;
  const tiles = winogradTiles(c, form);
  const tileRows = TILE_ROWS[ctx.tier];
  const fitting = Math.floor(WINOGRAD_BAND_BYTES / (form.side ** 2 * 4 * (channels + filters)) / tileRows) * tileRows;
  const least = form.weights ** 2 * channels * filters > FAR_WINOGRAD_WEIGHTS ? 2 : 1;
  const band = Math.min(Math.max(fitting, least * tileRows), tiles, 5 * tileRows);
  const weights = packedWeights(ctx, `winograd ${form.pixels} ${form.stride}`, winogradFloats(form, filters, channels), (to, w, bias) =>
    packWinograd(to, w, bias, filters, channels, form),
  );
  const scratch = ctx.scratch(winogradScratchBytes(form, band, channels, filters));
  const kernel = form.pixels === 4 ? "f32_winograd_4x4" : "f32_winograd_2x2";
  ctx.emitSplit(kernel, tiles, [...operandsOf(c, weights), shapeOf(c, band), scratch], { flops: flopsOf(c) });
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

/** Measured with the others in conv-kernels.ts. */
export const WINOGRAD_KERNELS: readonly Candidate<ConvLayer>[] = [
  { name: "winograd", takes: isWinograd, cost: (c) => winogradCost(c, formOf(c)), emit: (c) => emitWinograd(c, formOf(c)) },
  {
    name: "winograd 2×2",
    takes: (c) => isWinograd(c) && c.strideHeight === 1,
    cost: (c) => winogradCost(c, SMALL),
    emit: (c) => emitWinograd(c, SMALL),
  },
  { name: "winograd line", takes: isWinogradLine, cost: winogradLineCost, emit: emitWinogradLine },
];
