// Transposed planes of 8-bit elements, in 8x8 tiles.
//
//   x: cols lines of `rows` elements      y: rows lines of `cols` elements
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
    const sixteens = rows & ~15;
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

/** The three colours of a picture's planes, side by side for each of `rows` pixels, a multiple of sixteen. */
function threeLines(y: usize, x: usize, rows: usize, xStride: usize): void {
  for (const end = x + rows; x < end; x += 16, y += 48) {
    const a = v128.load(x), b = v128.load(x + xStride), c = v128.load(x + xStride * 2);
    const ab0 = v128.shuffle<u8>(a, b, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
    const ab1 = v128.shuffle<u8>(a, b, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
    const ab2 = v128.shuffle<u8>(a, b, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
    v128.store(y, v128.shuffle<u8>(ab0, c, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
    v128.store(y, v128.shuffle<u8>(ab1, c, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15), 16);
    v128.store(y, v128.shuffle<u8>(ab2, c, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31), 32);
  }
}

// @ts-ignore: decorator
@inline
function interleave(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
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
  const even0 = v128.shuffle<u8>(x04, x26, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const even1 = v128.shuffle<u8>(x04, x26, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const odd0 = v128.shuffle<u8>(x15, x37, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const odd1 = v128.shuffle<u8>(x15, x37, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  storeTwo(y, yStride, v128.shuffle<u8>(even0, odd0, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  storeTwo(y + yStride * 2, yStride, v128.shuffle<u8>(even0, odd0, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
  storeTwo(y + yStride * 4, yStride, v128.shuffle<u8>(even1, odd1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  storeTwo(y + yStride * 6, yStride, v128.shuffle<u8>(even1, odd1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
}

function edge(y: usize, x: usize, rows: usize, cols: usize, yStride: usize, xStride: usize): void {
  for (let row: usize = 0; row < rows; row++)
    for (let col: usize = 0; col < cols; col++) store<u8>(y + row * yStride + col, load<u8>(x + col * xStride + row));
}
