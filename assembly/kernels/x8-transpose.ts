// Transposed planes of 8-bit elements, in 8x8 tiles.
//
//   x: cols lines of `rows` elements      y: rows lines of `cols` elements
import { interleave, interleaveHigh } from "../lib/bytes";
import { planeOffsets, unitsInPlane } from "../lib/planes";

/** Columns walked before the next eight rows, so that the lines of x stay in the cache between them. */
const BLOCK: usize = 32;

/** y[row][col] = x[col][row] in every plane (see lib/planes). Split by rows of all planes. */
export function x8_transpose(
  y: usize,
  x: usize,
  table: usize,
  rank: usize,
  rows: usize,
  cols: usize,
  yStrideBytes: usize,
  xStrideBytes: usize,
  begin: usize,
  end: usize,
): void {
  for (let unit = begin; unit < end; ) {
    const plane = unit / rows;
    const row = unit - plane * rows;
    const count = unitsInPlane(unit, row, rows, end);
    const offsets = planeOffsets(table, rank, plane);
    transpose(y + <u32>offsets + row * yStrideBytes, x + <usize>(offsets >> 32) + row, count, cols, yStrideBytes, xStrideBytes);
    unit += count;
  }
}

function transpose(y: usize, x: usize, rows: usize, cols: usize, yStride: usize, xStride: usize): void {
  if (cols == 3 && yStride == 3) {
    // the last vector of a sixteen writes over the four bytes behind it
    const sixteens = rows < 2 ? 0 : (rows - 2) & ~15;
    threeLines(y, x, sixteens, xStride);
    edge(y + sixteens * 3, x + sixteens, rows - sixteens, 3, 3, xStride);
    return;
  }
  for (let block: usize = 0; block < cols; block += BLOCK) {
    const stop = min(block + BLOCK, cols);
    for (let row: usize = 0; row < rows; row += 8) {
      const yRow = y + row * yStride;
      const xRow = x + row;
      let col = block;
      if (row + 8 <= rows) for (; col + 8 <= stop; col += 8) tile(yRow + col, xRow + col * xStride, yStride, xStride);
      if (col < stop) edge(yRow + col, xRow + col * xStride, min<usize>(8, rows - row), stop - col, yStride, xStride);
    }
  }
}

/**
 * The three colours of a picture's planes, side by side for each of `rows` pixels, a multiple of sixteen: fours of pixels with a
 * gap after the third colour, and the gaps closed. Writes four bytes more.
 */
function threeLines(y: usize, x: usize, rows: usize, xStride: usize): void {
  const none = i8x16.splat(0);
  for (const end = x + rows; x < end; x += 16, y += 48) {
    const a = v128.load(x), b = v128.load(x + xStride), c = v128.load(x + xStride * 2);
    const ab = interleave(a, b), more = interleaveHigh(a, b), c0 = interleave(c, none), c1 = interleaveHigh(c, none);
    v128.store(y, closeGaps(v128.shuffle<u16>(ab, c0, 0, 8, 1, 9, 2, 10, 3, 11)));
    v128.store(y, closeGaps(v128.shuffle<u16>(ab, c0, 4, 12, 5, 13, 6, 14, 7, 15)), 12);
    v128.store(y, closeGaps(v128.shuffle<u16>(more, c1, 0, 8, 1, 9, 2, 10, 3, 11)), 24);
    v128.store(y, closeGaps(v128.shuffle<u16>(more, c1, 4, 12, 5, 13, 6, 14, 7, 15)), 36);
  }
}

// @ts-ignore: decorator
@inline
function closeGaps(fours: v128): v128 {
  return v128.shuffle<u8>(fours, fours, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
}

// @ts-ignore: decorator
@inline
function storeTwo(y: usize, yStride: usize, v: v128): void {
  v128.store64_lane(y, v, 0);
  v128.store64_lane(y + yStride, v, 1);
}

// @ts-ignore: decorator
@inline
function tile(y: usize, x: usize, yStride: usize, xStride: usize): void {
  const x4 = x + xStride * 4;
  const x04 = interleave(v128.load64_zero(x), v128.load64_zero(x4));
  const x15 = interleave(v128.load64_zero(x + xStride), v128.load64_zero(x4 + xStride));
  const x26 = interleave(v128.load64_zero(x + xStride * 2), v128.load64_zero(x4 + xStride * 2));
  const x37 = interleave(v128.load64_zero(x + xStride * 3), v128.load64_zero(x4 + xStride * 3));
  const even0 = interleave(x04, x26);
  const even1 = interleaveHigh(x04, x26);
  const odd0 = interleave(x15, x37);
  const odd1 = interleaveHigh(x15, x37);
  storeTwo(y, yStride, interleave(even0, odd0));
  storeTwo(y + yStride * 2, yStride, interleaveHigh(even0, odd0));
  storeTwo(y + yStride * 4, yStride, interleave(even1, odd1));
  storeTwo(y + yStride * 6, yStride, interleaveHigh(even1, odd1));
}

function edge(y: usize, x: usize, rows: usize, cols: usize, yStride: usize, xStride: usize): void {
  for (let row: usize = 0; row < rows; row++)
    for (let col: usize = 0; col < cols; col++) store<u8>(y + row * yStride + col, load<u8>(x + col * xStride + row));
}
