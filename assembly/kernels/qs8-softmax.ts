// Softmax of int8 rows, from a table of exponentials.

/**
 * y = softmax(x) · 1 / scale + zero for rows begin … end of `cols` steps. `table` holds the exponentials
 * of −255 … 0 input steps as float32; the results are rounded half up.
 */
export function qs8_softmax(y: usize, x: usize, table: usize, cols: usize, scale: f32, zero: i32, begin: usize, end: usize): void {
  for (let row = begin; row < end; row++) {
    const from = x + row * cols, to = y + row * cols;
    let most: i32 = -128;
    for (let col: usize = 0; col < cols; col++) most = max<i32>(most, load<i8>(from + col));
    const exponentials = table + ((255 - most) << 2);
    let sum: f32 = 0;
    for (let col: usize = 0; col < cols; col++) sum += load<f32>(exponentials + (<i32>load<i8>(from + col) << 2));
    const factor: f32 = 1 / (sum * scale);
    for (let col: usize = 0; col < cols; col++) {
      const value = load<f32>(exponentials + (<i32>load<i8>(from + col) << 2)) * factor;
      store<i8>(to + col, <i8>min(<i32>(value + 0.5) + zero, 127));
    }
  }
}
