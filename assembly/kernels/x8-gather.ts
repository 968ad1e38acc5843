// Rows moved by an index list: gather, gather_nd and embedding lookups; scatter_nd backwards.
// An index is a tuple of `tuple` int32 or int64 numbers. Each wraps around when negative and is
// clamped to its dimension, so that no index reads or writes outside; the caller checks the range.
//
//   dims → | size  strideBytes | …   int32 each, one pair for every number of a tuple
import { copyBytes } from "../lib/bytes";

/** The byte offset that one tuple points at. `wide` is 1 for int64 indices, 0 for int32. */
function tupleOffset(indices: usize, wide: usize, dims: usize, tuple: usize): usize {
  let offset: usize = 0;
  for (let i: usize = 0; i < tuple; i++) {
    const size: i64 = load<i32>(dims + i * 8);
    let index: i64 = wide ? load<i64>(indices + i * 8) : load<i32>(indices + i * 4);
    if (index < 0) index += size;
    index = max<i64>(0, min<i64>(index, size - 1));
    offset += <usize>index * <usize>load<u32>(dims + i * 8, 4);
  }
  return offset;
}

/**
 * y[outer][i] = the row of `rowBytes` bytes of x[outer] at tuple i; `count` tuples for each outer step.
 * xStrideBytes and indexStrideBytes lead from one outer step to the next; 0 shares the tuples.
 * Split by rows, outer · count.
 */
export function x8_gather(
  y: usize,
  x: usize,
  indices: usize,
  wide: usize,
  dims: usize,
  tuple: usize,
  count: usize,
  rowBytes: usize,
  xStrideBytes: usize,
  indexStrideBytes: usize,
  begin: usize,
  end: usize,
): void {
  const tupleBytes = tuple << (2 + wide);
  for (let row = begin; row < end; row++) {
    const outer = row / count;
    const at = indices + outer * indexStrideBytes + (row - outer * count) * tupleBytes;
    copyBytes(y + row * rowBytes, x + outer * xStrideBytes + tupleOffset(at, wide, dims, tuple), rowBytes);
  }
}

/** The row of y at tuple i = row i of x, for i in [0, count); of equal tuples the last wins, so it is not split. */
export function x8_scatter(
  y: usize,
  x: usize,
  indices: usize,
  wide: usize,
  dims: usize,
  tuple: usize,
  count: usize,
  rowBytes: usize,
): void {
  const tupleBytes = tuple << (2 + wide);
  for (let i: usize = 0; i < count; i++)
    copyBytes(y + tupleOffset(indices + i * tupleBytes, wide, dims, tuple), x + i * rowBytes, rowBytes);
}
