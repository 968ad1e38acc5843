// Byte moves: the plain copies that every layout operator ends in.

/** Copies `rows` rows of `rowBytes` bytes; a stride is the distance in bytes between row starts. */
export function x8_copy_rows(
  y: usize,
  x: usize,
  rows: usize,
  rowBytes: usize,
  yStrideBytes: usize,
  xStrideBytes: usize,
  begin: usize,
  end: usize,
): void {
  for (let row = begin; row < end; row++) {
    memory.copy(y + row * yStrideBytes, x + row * xStrideBytes, rowBytes);
  }
}

/** Fills `bytes` bytes at `y` with one value. */
export function x8_fill(y: usize, value: u8, bytes: usize): void {
  memory.fill(y, value, bytes);
}
