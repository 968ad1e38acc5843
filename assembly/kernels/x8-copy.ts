// Byte moves: the copies of whole runs that most layout operators end in.
import { copyBytes } from "../lib/bytes";
import { planeOffsets, unitsInPlane } from "../lib/planes";

/** `x8_copy_rows` of four bytes each, such as the columns that a concatenation along the last axis puts side by side. */
function copyWords(y: usize, x: usize, yStrideBytes: usize, xStrideBytes: usize, count: usize): void {
  for (; count > 0; count--) {
    store<u32>(y, load<u32>(x));
    y += yStrideBytes;
    x += xStrideBytes;
  }
}

/** Copies rows of `rowBytes` bytes; a stride is the distance in bytes between row starts. Split by rows. */
export function x8_copy_rows(
  y: usize,
  x: usize,
  rowBytes: usize,
  yStrideBytes: usize,
  xStrideBytes: usize,
  begin: usize,
  end: usize,
): void {
  y += begin * yStrideBytes;
  x += begin * xStrideBytes;
  if (rowBytes == 4) {
    copyWords(y, x, yStrideBytes, xStrideBytes, end - begin);
    return;
  }
  for (let row = begin; row < end; row++) {
    copyBytes(y, x, rowBytes);
    y += yStrideBytes;
    x += xStrideBytes;
  }
}

/** Copies rows of `rowBytes` bytes in every plane of a table (see lib/planes). Split by rows of all planes. */
export function x8_copy_planes(
  y: usize,
  x: usize,
  table: usize,
  rank: usize,
  rows: usize,
  rowBytes: usize,
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
    x8_copy_rows(y + <u32>offsets, x + <usize>(offsets >> 32), rowBytes, yStrideBytes, xStrideBytes, row, row + count);
    unit += count;
  }
}

/** Fills bytes [begin, end) of `y` with one value. */
export function x8_fill(y: usize, value: u8, begin: usize, end: usize): void {
  memory.fill(y + begin, value, end - begin);
}
