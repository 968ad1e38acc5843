// Strided moves walk planes: two inner dimensions are arguments of the kernel, the outer ones
// stand in a table, outermost first, and a unit of work is one row of one plane.
//
//   table → | size  yStrideBytes  xStrideBytes | size  yStrideBytes  xStrideBytes | …   int32 each
//
// Strides may be negative or zero; addresses wrap around as 32-bit sums.

const ENTRY_BYTES: usize = 12;

/** Byte offsets of plane number `plane`: the destination's in the low half, the source's in the high. */
export function planeOffsets(table: usize, rank: usize, plane: usize): u64 {
  let y: u32 = 0;
  let x: u32 = 0;
  for (let entry = table + rank * ENTRY_BYTES; entry > table; ) {
    entry -= ENTRY_BYTES;
    const size = load<u32>(entry);
    const rest = plane / size;
    const index = plane - rest * size;
    y += <u32>index * load<u32>(entry, 4);
    x += <u32>index * load<u32>(entry, 8);
    plane = rest;
  }
  return (<u64>x << 32) | y;
}

/** How many of the units from `unit` on lie in the same plane and before `end`. */
// @ts-ignore: decorator
@inline
export function unitsInPlane(unit: usize, row: usize, rows: usize, end: usize): usize {
  return min(rows - row, end - unit);
}
