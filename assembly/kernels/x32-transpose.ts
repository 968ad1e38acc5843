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
  if (cols == 3 && yStride == 12) {
    interleave(y, x, rows, xStride);
    return;
  }
  if (rows == 3 && xStride == 12) {
    separate(y, x, cols, yStride);
    return;
  }
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

/** Three lines of x as pixels of three elements: an image from planes. */
function interleave(y: usize, x: usize, pixels: usize, xStride: usize): void {
  let i: usize = 0;
  for (; i + 4 <= pixels; i += 4) {
    const a = v128.load(x + i * 4);
    const b = v128.load(x + xStride + i * 4);
    const c = v128.load(x + xStride * 2 + i * 4);
    const ab = highPairs(a, b);
    v128.store(y + i * 12, v128.shuffle<u32>(lowPairs(a, b), c, 0, 1, 4, 2));
    v128.store(y + i * 12, v128.shuffle<u32>(v128.shuffle<u32>(b, c, 1, 5, 2, 6), ab, 0, 1, 4, 5), 16);
    v128.store(y + i * 12, v128.shuffle<u32>(c, ab, 2, 6, 7, 3), 32);
  }
  if (i < pixels) edge(y + i * 12, x + i * 4, pixels - i, 3, 12, xStride);
}

/** Pixels of three elements as three lines of y: planes from an image. */
function separate(y: usize, x: usize, pixels: usize, yStride: usize): void {
  let i: usize = 0;
  for (; i + 4 <= pixels; i += 4) {
    const v0 = v128.load(x + i * 12);
    const v1 = v128.load(x + i * 12, 16);
    const v2 = v128.load(x + i * 12, 32);
    v128.store(y + i * 4, v128.shuffle<u32>(v128.shuffle<u32>(v0, v1, 0, 3, 6, 7), v2, 0, 1, 2, 5));
    v128.store(y + yStride + i * 4, v128.shuffle<u32>(v128.shuffle<u32>(v0, v1, 1, 4, 7, 7), v2, 0, 1, 2, 6));
    v128.store(y + yStride * 2 + i * 4, v128.shuffle<u32>(v128.shuffle<u32>(v0, v1, 2, 5, 2, 5), v2, 0, 1, 4, 7));
  }
  if (i < pixels) edge(y + i * 4, x + i * 12, 3, pixels - i, yStride, 12);
}
