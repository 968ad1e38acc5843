// Where the largest or the smallest element stands.

/**
 * y = index along the middle of [outer, axis, inner] of the largest x · sign, for outputs begin … end;
 * of equal ones the first, or the last where `last`. `sign` is 1 or −1. An index is int32, or int64 where `wide`.
 */
export function f32_arg_max(
  y: usize,
  x: usize,
  axis: usize,
  inner: usize,
  sign: f32,
  last: u32,
  wide: u32,
  begin: usize,
  end: usize,
): void {
  const strideBytes = inner << 2;
  for (let unit = begin; unit < end; unit++) {
    const outer = unit / inner;
    const from = x + ((outer * axis * inner + unit - outer * inner) << 2);
    const index = last ? argOf<Last>(from, axis, strideBytes, sign) : argOf<First>(from, axis, strideBytes, sign);
    if (wide) store<u64>(y + (unit << 3), <u64>index);
    else store<u32>(y + (unit << 2), index);
  }
}

class First {
  // @ts-expect-error: decorator
  @inline beats(value: f32, best: f32): bool {
    return value > best;
  }
}

class Last {
  // @ts-expect-error: decorator
  @inline beats(value: f32, best: f32): bool {
    return value >= best;
  }
}

function argOf<F>(x: usize, count: usize, strideBytes: usize, sign: f32): u32 {
  const f = changetype<F>(0);
  let best = load<f32>(x) * sign;
  let index: u32 = 0;
  for (let i: usize = 1; i < count; i++) {
    x += strideBytes;
    const value = load<f32>(x) * sign;
    if (f.beats(value, best)) {
      best = value;
      index = <u32>i;
    }
  }
  return index;
}
