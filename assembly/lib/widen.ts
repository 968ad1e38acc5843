// int8 activations to int16 with the zero point taken off: what the exact dot product reads.

/** y[i] = x[i] − zero for `count` elements. */
export function widen(y: usize, x: usize, count: usize, zero: i32): void {
  const zeros = i16x8.splat(<i16>zero);
  const end = x + count;
  for (const last = end - (count & 15); x < last; x += 16, y += 32) {
    v128.store(y, i16x8.sub(v128.load8x8_s(x), zeros));
    v128.store(y, i16x8.sub(v128.load8x8_s(x, 8), zeros), 16);
  }
  for (; x + 4 <= end; x += 4, y += 8) {
    v128.store64_lane(y, i16x8.sub(i16x8.extend_low_i8x16_s(v128.load32_zero(x)), zeros), 0);
  }
  for (; x < end; x++, y += 2) store<i16>(y, <i16>(<i32>load<i8>(x) - zero));
}
