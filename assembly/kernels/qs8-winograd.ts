// Winograd's F(4×4, 3×3) for int8: four times fewer multiplications, and the same bits as the direct convolution
// (see lib/qs8-winograd for why).
//
// Scratch, for a band of T tiles, T rounded up to four; C and N rounded up to eight channels:
//   | 36 vectors, and 24 for each part, for the transforms | widened rows of one row of tiles: 6 × (4 · tiles across + 2) × C of int16, 16 more bytes
//   | V: 36 × T × C of int16 | M: parts × 36 × T × N of int32 |
// Weights:
//   | for every eight output channels: bias 8×i32, scale 8×f32 | 36 × panels of eight channels: C / 2 pairs × 8 × 2 × i16 |
import { ConvShape } from "../lib/qs8-panel";
import { sumPanel } from "../lib/qs8-sums";
import { PART_BYTES, transformInput, transformOutput } from "../lib/qs8-winograd";
import { bandRows } from "../lib/widen";

/** Tiles of the output of one image. */
// @ts-ignore: decorator
@inline
function tilesAcross(shape: ConvShape): usize {
  return (shape.outWidth + 3) >> 2;
}

/** Transforms the input of tiles `begin` … `end` of all images into V. */
function transformBand(shape: ConvShape, v: usize, x: usize, temporary: usize, rows: usize, elementBytes: usize, begin: usize, end: usize): void {
  const across = tilesAcross(shape), down = (shape.outHeight + 3) >> 2;
  const pixelBytes = shape.inChannels * 2, width = across * 4 + 2, vRow = (shape.inChannels + 7) & ~7;
  for (let tile = begin; tile < end; ) {
    const tileRow = tile / across, image = tileRow / down;
    const top = <i32>((tileRow - image * down) * 4 - shape.padTop);
    bandRows<u16>(shape, rows, x + image * shape.inHeight * shape.inWidth * shape.inChannels, shape.xZero, top, 6, width);
    for (const last = min((tileRow + 1) * across, end); tile < last; tile++, v += vRow * 2) {
      transformInput(v, elementBytes, rows + (tile - tileRow * across) * 4 * pixelBytes, width * pixelBytes, pixelBytes, shape.inChannels, temporary);
    }
  }
}

/** Transforms M back into the output of tiles `begin` … `end`. */
function finishBand(shape: ConvShape, y: usize, m: usize, heads: usize, temporary: usize, elementBytes: usize, begin: usize, end: usize): void {
  const across = tilesAcross(shape), down = (shape.outHeight + 3) >> 2, channels = shape.outChannels;
  for (let tile = begin; tile < end; tile++, m += ((channels + 7) & ~7) * 4) {
    const tileRow = tile / across, image = tileRow / down;
    const row = (tileRow - image * down) * 4, column = (tile - tileRow * across) * 4;
    const rows = min<usize>(shape.outHeight - row, 4), columns = min<usize>(shape.outWidth - column, 4);
    const to = y + ((image * shape.outHeight + row) * shape.outWidth + column) * shape.ldy;
    for (let channel: usize = 0; channel < channels; channel += 4) {
      const head = heads + (channel >> 3) * 64 + (channel & 4) * 4;
      transformOutput(shape, to + channel, m + channel * 4, elementBytes, shape.runs, head, rows, columns, channels - channel, temporary);
    }
  }
}

/**
 * y = conv(x, w) of 3×3 taps and stride 1 as the ConvShape at `table` says, where `band` counts tiles, and `runs`
 * counts the parts of the channels that are summed apart, each of 2 · `pairs` channels.
 * Split by tiles of 4×4 output pixels of all images.
 */
export function qs8_winograd_4x4(y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const c = (shape.inChannels + 7) & ~7, n = (shape.outChannels + 7) & ~7;
  const band = (shape.band + 3) & ~3;
  const parts = shape.runs, pairs = shape.pairs;
  const rows = scratch + 36 * 16 + parts * PART_BYTES;
  const v = (rows + 6 * (tilesAcross(shape) * 4 + 2) * shape.inChannels * 2 + 31) & ~15;
  const vBytes = band * c * 2, m = v + 36 * vBytes, mBytes = band * n * 4;
  const panels = w + n * 8, panelBytes = c * 16;
  for (let tile = begin; tile < end; tile += band) {
    const last = min(tile + band, end), count = (last - tile + 3) & ~3;
    transformBand(shape, v, x, scratch, rows, vBytes, tile, last);
    for (let element: usize = 0, panel = panels; element < 36; element++) {
      for (let channel: usize = 0; channel < n; channel += 8, panel += panelBytes) {
        for (let part: usize = 0; part < parts; part++) {
          const to = m + (part * 36 + element) * mBytes + channel * 4;
          sumPanel(to, v + element * vBytes + part * pairs * 4, panel + part * pairs * 32, count, pairs, n * 4, c * 2);
        }
      }
    }
    finishBand(shape, y, m, w, scratch + 36 * 16, mBytes, tile, last);
  }
}
