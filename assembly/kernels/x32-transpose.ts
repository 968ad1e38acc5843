// Transposed planes of 32-bit elements, in 4x4 tiles.
//
//   x: cols lines of `rows` elements      y: rows lines of `cols` elements
import { planeOffsets, unitsInPlane } from "../lib/planes";

/** Columns walked before the next four rows, so that the lines of x stay in the cache between them. */
const BLOCK: usize = 32;

/** y[row][col] = x[col][row] in every plane (see lib/planes). Split by rows of all planes. */
export function x32_transpose(
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
    transpose(
      y + <u32>offsets + row * yStrideBytes,
      x + <usize>(offsets >> 32) + row * 4,
      count,
      cols,
      yStrideBytes,
      xStrideBytes,
    );
    unit += count;
  }
}

function transpose(y: usize, x: usize, rows: usize, cols: usize, yStride: usize, xStride: usize): void {
  for (let block: usize = 0; block < cols; block += BLOCK) {
    const stop = min(block + BLOCK, cols);
    for (let row: usize = 0; row < rows; row += 4) {
      const yRow = y + row * yStride;
      const xRow = x + row * 4;
      let col = block;
      if (row + 4 <= rows) for (; col + 4 <= stop; col += 4) tile(yRow + col * 4, xRow + col * xStride, yStride, xStride);
      for (; col < stop; col += 4)
        edge(yRow + col * 4, xRow + col * xStride, min<usize>(4, rows - row), min<usize>(4, stop - col), yStride, xStride);
    }
  }
}

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 2, 6, 3, 7);
}

// @ts-ignore: decorator
@inline
function tile(y: usize, x: usize, yStride: usize, xStride: usize): void {
  const x0 = v128.load(x);
  const x1 = v128.load(x + xStride);
  const x2 = v128.load(x + xStride * 2);
  const x3 = v128.load(x + xStride * 3);
  const low01 = lowPairs(x0, x1);
  const low23 = lowPairs(x2, x3);
  const high01 = highPairs(x0, x1);
  const high23 = highPairs(x2, x3);
  v128.store(y, v128.shuffle<u64>(low01, low23, 0, 2));
  v128.store(y + yStride, v128.shuffle<u64>(low01, low23, 1, 3));
  v128.store(y + yStride * 2, v128.shuffle<u64>(high01, high23, 0, 2));
  v128.store(y + yStride * 3, v128.shuffle<u64>(high01, high23, 1, 3));
}

/** A tile with fewer rows or columns, as images of three channels give; missing lines of x alias the last. */
function edge(y: usize, x: usize, rows: usize, cols: usize, yStride: usize, xStride: usize): void {
  const x0 = loadPart(x, rows);
  const x1 = loadPart(x + xStride * min<usize>(1, cols - 1), rows);
  const x2 = loadPart(x + xStride * min<usize>(2, cols - 1), rows);
  const x3 = loadPart(x + xStride * min<usize>(3, cols - 1), rows);
  const low01 = lowPairs(x0, x1);
  const low23 = lowPairs(x2, x3);
  storePart(y, v128.shuffle<u64>(low01, low23, 0, 2), cols);
  if (rows > 1) storePart(y + yStride, v128.shuffle<u64>(low01, low23, 1, 3), cols);
  if (rows <= 2) return;
  const high01 = highPairs(x0, x1);
  const high23 = highPairs(x2, x3);
  storePart(y + yStride * 2, v128.shuffle<u64>(high01, high23, 0, 2), cols);
  if (rows > 3) storePart(y + yStride * 3, v128.shuffle<u64>(high01, high23, 1, 3), cols);
}

// @ts-ignore: decorator
@inline
function loadPart(x: usize, count: usize): v128 {
  if (count == 4) return v128.load(x);
  if (count == 3) return v128.load32_lane(x + 8, v128.load64_zero(x), 2);
  return count == 2 ? v128.load64_zero(x) : v128.load32_zero(x);
}

// @ts-ignore: decorator
@inline
function storePart(y: usize, v: v128, count: usize): void {
  if (count == 4) {
    v128.store(y, v);
    return;
  }
  if (count == 1) {
    v128.store32_lane(y, v, 0);
    return;
  }
  v128.store64_lane(y, v, 0);
  if (count == 3) v128.store32_lane(y + 8, v, 2);
}
