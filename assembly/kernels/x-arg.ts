// Where the largest or the smallest element stands.

/**
 * y = index along the middle of [outer, axis, inner] of the largest x · sign, for outputs begin … end;
 * of equal ones the first, or the last where `last`. `sign` is 1 or −1. An index is int32, or int64 where `wide`.
 */
export function f32_arg_max(
  y: usize, x: usize, axis: usize, inner: usize, sign: f32, last: u32, wide: u32, begin: usize, end: usize,
): void {
  each<f32>(y, x, axis, inner, sign, last, wide, begin, end);
}

/** f32_arg_max for int8; quantized elements stand in the order of what they stand for. */
export function i8_arg_max(
  y: usize, x: usize, axis: usize, inner: usize, sign: f32, last: u32, wide: u32, begin: usize, end: usize,
): void {
  each<i8>(y, x, axis, inner, sign, last, wide, begin, end);
}

// @ts-ignore: decorator
@inline
function each<T>(
  y: usize, x: usize, axis: usize, inner: usize, sign: f32, last: u32, wide: u32, begin: usize, end: usize,
): void {
  const strideBytes = inner * sizeof<T>();
  for (let unit = begin; unit < end; unit++) {
    const outer = unit / inner;
    const from = x + (outer * axis * inner + unit - outer * inner) * sizeof<T>();
    const index = last ? argOf<T, Last>(from, axis, strideBytes, sign) : argOf<T, First>(from, axis, strideBytes, sign);
    if (wide) store<u64>(y + (unit << 3), <u64>index);
    else store<u32>(y + (unit << 2), index);
  }
}

class First {
  // @ts-ignore: decorator
  @inline beats(value: f32, best: f32): bool {
    return value > best;
  }
}

class Last {
  // @ts-ignore: decorator
  @inline beats(value: f32, best: f32): bool {
    return value >= best;
  }
}

function argOf<T, F>(x: usize, count: usize, strideBytes: usize, sign: f32): u32 {
  const f = changetype<F>(0);
  let best = <f32>load<T>(x) * sign;
  let index: u32 = 0;
  for (let i: usize = 1; i < count; i++) {
    x += strideBytes;
    const value = <f32>load<T>(x) * sign;
    if (f.beats(value, best)) {
      best = value;
      index = <u32>i;
    }
  }
  return index;
}
