// Rows moved by an index list: gather, gather_nd and embedding lookups; scatter_nd backwards.
// An index is a tuple of `tuple` int32 or int64 numbers. Each wraps around when negative. A row whose tuple
// points outside is left out, and the kernel then returns 1 instead of 0, so that the caller can say which it was.
//
//   dims → | size  strideBytes | …   int32 each, one pair for every number of a tuple
import { copyBytes } from "../lib/bytes";

const OUTSIDE = usize.MAX_VALUE;

/** The byte offset that one tuple points at, or OUTSIDE. `wide` is 1 for int64 indices, 0 for int32. */
function tupleOffset(indices: usize, wide: usize, dims: usize, tuple: usize): usize {
  let offset: usize = 0;
  for (let i: usize = 0; i < tuple; i++) {
    const size: i64 = load<i32>(dims + i * 8);
    let index: i64 = wide ? load<i64>(indices + i * 8) : load<i32>(indices + i * 4);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return OUTSIDE;
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
): u32 {
  const tupleBytes = tuple << (2 + wide);
  let refused: u32 = 0;
  for (let row = begin; row < end; row++) {
    const outer = row / count;
    const at = indices + outer * indexStrideBytes + (row - outer * count) * tupleBytes;
    const offset = tupleOffset(at, wide, dims, tuple);
    if (offset === OUTSIDE) refused = 1;
    else copyBytes(y + row * rowBytes, x + outer * xStrideBytes + offset, rowBytes);
  }
  return refused;
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
): u32 {
  const tupleBytes = tuple << (2 + wide);
  let refused: u32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const offset = tupleOffset(indices + i * tupleBytes, wide, dims, tuple);
    if (offset === OUTSIDE) refused = 1;
    else copyBytes(y + offset, x + i * rowBytes, rowBytes);
  }
  return refused;
}
