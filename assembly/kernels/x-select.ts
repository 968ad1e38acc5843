// y = condition ? a : b with broadcasting by strides. Rows stand in a table as in lib/planes,
// with a stride for each source:
//
//   table → | size  cStrideBytes  aStrideBytes  bStrideBytes | …   int32 each, outermost first

const ENTRY_BYTES: usize = 16;

/** The byte offset of row number `row` in the source whose stride is `field` bytes into an entry. */
function rowOffset(table: usize, rank: usize, row: usize, field: usize): usize {
  let offset: usize = 0;
  for (let entry = table + rank * ENTRY_BYTES; entry > table; ) {
    entry -= ENTRY_BYTES;
    const size = <usize>load<u32>(entry);
    const rest = row / size;
    offset += (row - rest * size) * <usize>load<u32>(entry + field);
    row = rest;
  }
  return offset;
}

function selectRow<T>(y: usize, c: usize, a: usize, b: usize, cols: usize, cStep: usize, aStep: usize, bStep: usize): void {
  for (let col: usize = 0; col < cols; col++) {
    const from = select(a, b, load<u8>(c) != 0);
    store<T>(y + col * sizeof<T>(), load<T>(from));
    c += cStep;
    a += aStep;
    b += bStep;
  }
}

/** Four lanes at a time for dense 32-bit rows; the scalar loop takes the rest. */
function selectDense32(y: usize, c: usize, a: usize, b: usize, cols: usize): void {
  let col: usize = 0;
  for (; col + 4 <= cols; col += 4) {
    const mask = i32x4.ne(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(c + col))), i32x4.splat(0));
    v128.store(y + col * 4, v128.bitselect(v128.load(a + col * 4), v128.load(b + col * 4), mask));
  }
  selectRow<u32>(y + col * 4, c + col, a + col * 4, b + col * 4, cols - col, 1, 4, 4);
}

/**
 * y[row][col] = c[row][col] ? a[row][col] : b[row][col]; c holds bytes. y is dense; a step is the
 * stride in bytes between columns, 0 or the element's size. Split by rows.
 */
export function x32_select(
  y: usize, c: usize, a: usize, b: usize, table: usize, rank: usize, cols: usize,
  cStepBytes: usize, aStepBytes: usize, bStepBytes: usize, begin: usize, end: usize,
): void {
  const dense = cStepBytes == 1 && aStepBytes == 4 && bStepBytes == 4;
  for (let row = begin; row < end; row++) {
    const yRow = y + row * cols * 4;
    const cRow = c + rowOffset(table, rank, row, 4);
    const aRow = a + rowOffset(table, rank, row, 8);
    const bRow = b + rowOffset(table, rank, row, 12);
    if (dense) selectDense32(yRow, cRow, aRow, bRow, cols);
    else selectRow<u32>(yRow, cRow, aRow, bRow, cols, cStepBytes, aStepBytes, bStepBytes);
  }
}

/** x32_select for elements of 8 bits. */
export function x8_select(
  y: usize, c: usize, a: usize, b: usize, table: usize, rank: usize, cols: usize,
  cStepBytes: usize, aStepBytes: usize, bStepBytes: usize, begin: usize, end: usize,
): void {
  for (let row = begin; row < end; row++)
    selectRow<u8>(
      y + row * cols, c + rowOffset(table, rank, row, 4), a + rowOffset(table, rank, row, 8), b + rowOffset(table, rank, row, 12),
      cols, cStepBytes, aStepBytes, bStepBytes,
    );
}
