// Functions of two int8 tensors whose scales and zero points differ.
import { planeOffsets } from "../lib/planes";
import { BinaryShape, binaryRow } from "../lib/qs8-binary-row";

/** y = f(a, b) for elements begin … end; an operand with step 0 is one element. `shape` is a BinaryShape, `lut` the results of a TABLE. */
export function qs8_binary(y: usize, a: usize, b: usize, shape: usize, lut: usize, aStep: usize, bStep: usize, begin: usize, end: usize): void {
  binaryRow(changetype<BinaryShape>(shape), lut, y + begin, a + begin * aStep, b + begin * bStep, end - begin, aStep, bStep);
}

/**
 * y = f(a, b) for rows begin … end of `cols` elements. `table` holds the `rank` outer dimensions as
 * (size, aStrideBytes, bStrideBytes), outermost first.
 */
export function qs8_binary_rows(
  y: usize, a: usize, b: usize, shape: usize, lut: usize, cols: usize, aStep: usize, bStep: usize, table: usize, rank: usize, begin: usize, end: usize,
): void {
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    binaryRow(changetype<BinaryShape>(shape), lut, y + row * cols, a + <u32>offsets, b + <u32>(offsets >> 32), cols, aStep, bStep);
  }
}
