// Copies between any two strided layouts, by element width: slices with steps, reversals,
// broadcasts. Whole rows go through x8_copy_planes, transposed planes through x*_transpose.
import { fillElements } from "../lib/bytes";
import { planeOffsets, unitsInPlane } from "../lib/planes";

/** One row. A source that does not move fills; the rest goes element by element. */
function copyRow<T>(y: usize, x: usize, cols: usize, yStepBytes: usize, xStepBytes: usize): void {
  if (xStepBytes == 0 && yStepBytes == sizeof<T>()) {
    fillElements<T>(y, load<T>(x), cols);
    return;
  }
  for (let col: usize = 0; col < cols; col++) {
    store<T>(y, load<T>(x));
    y += yStepBytes;
    x += xStepBytes;
  }
}

function copyPlanes<T>(
  y: usize,
  x: usize,
  table: usize,
  rank: usize,
  rows: usize,
  cols: usize,
  yStrideBytes: usize,
  xStrideBytes: usize,
  yStepBytes: usize,
  xStepBytes: usize,
  begin: usize,
  end: usize,
): void {
  for (let unit = begin; unit < end; ) {
    const plane = unit / rows;
    let row = unit - plane * rows;
    const stop = row + unitsInPlane(unit, row, rows, end);
    const offsets = planeOffsets(table, rank, plane);
    const yPlane = y + <u32>offsets;
    const xPlane = x + <usize>(offsets >> 32);
    unit += stop - row;
    for (; row < stop; row++) copyRow<T>(yPlane + row * yStrideBytes, xPlane + row * xStrideBytes, cols, yStepBytes, xStepBytes);
  }
}

/**
 * y[plane][row][col] = x[plane][row][col] with a stride for each (see lib/planes); `Step` is the
 * stride of a column. Any stride of x may be negative or zero. Split by rows of all planes.
 */
export function x8_copy_strided(
  y: usize, x: usize, table: usize, rank: usize, rows: usize, cols: usize,
  yStrideBytes: usize, xStrideBytes: usize, yStepBytes: usize, xStepBytes: usize, begin: usize, end: usize,
): void {
  copyPlanes<u8>(y, x, table, rank, rows, cols, yStrideBytes, xStrideBytes, yStepBytes, xStepBytes, begin, end);
}

/** x8_copy_strided for elements of 16 bits. */
export function x16_copy_strided(
  y: usize, x: usize, table: usize, rank: usize, rows: usize, cols: usize,
  yStrideBytes: usize, xStrideBytes: usize, yStepBytes: usize, xStepBytes: usize, begin: usize, end: usize,
): void {
  copyPlanes<u16>(y, x, table, rank, rows, cols, yStrideBytes, xStrideBytes, yStepBytes, xStepBytes, begin, end);
}

/** x8_copy_strided for elements of 32 bits. */
export function x32_copy_strided(
  y: usize, x: usize, table: usize, rank: usize, rows: usize, cols: usize,
  yStrideBytes: usize, xStrideBytes: usize, yStepBytes: usize, xStepBytes: usize, begin: usize, end: usize,
): void {
  copyPlanes<u32>(y, x, table, rank, rows, cols, yStrideBytes, xStrideBytes, yStepBytes, xStepBytes, begin, end);
}

/** x8_copy_strided for elements of 64 bits. */
export function x64_copy_strided(
  y: usize, x: usize, table: usize, rank: usize, rows: usize, cols: usize,
  yStrideBytes: usize, xStrideBytes: usize, yStepBytes: usize, xStepBytes: usize, begin: usize, end: usize,
): void {
  copyPlanes<u64>(y, x, table, rank, rows, cols, yStrideBytes, xStrideBytes, yStepBytes, xStepBytes, begin, end);
}
