// Puts the windows of four pixels side by side, pair by pair, as the inner product reads them.

/** Two pairs of four rows: x holds two pairs of one row in its low half. */
// @ts-ignore: decorator
@inline
function storeTwoPairs(to: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const x01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5), x23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<i64>(x01, x23, 0, 2));
  v128.store(to, v128.shuffle<i64>(x01, x23, 1, 3), 16);
}

/** The same with the two pairs in the high half. */
// @ts-ignore: decorator
@inline
function storeHighPairs(to: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const x01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7), x23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(x01, x23, 0, 2));
  v128.store(to, v128.shuffle<i64>(x01, x23, 1, 3), 16);
}

/** A run of `pairs` pairs of int16 in each of four windows; returns where the next one goes. */
// @ts-ignore: decorator
@inline
export function tileRun(to: usize, x0: usize, x1: usize, x2: usize, x3: usize, pairs: usize): usize {
  for (let left = pairs; left >= 4; left -= 4, to += 64, x0 += 16, x1 += 16, x2 += 16, x3 += 16) {
    const a0 = v128.load(x0), a1 = v128.load(x1), a2 = v128.load(x2), a3 = v128.load(x3);
    storeTwoPairs(to, a0, a1, a2, a3);
    storeHighPairs(to + 32, a0, a1, a2, a3);
  }
  if (pairs & 2) {
    storeTwoPairs(to, v128.load64_zero(x0), v128.load64_zero(x1), v128.load64_zero(x2), v128.load64_zero(x3));
    to += 32, x0 += 8, x1 += 8, x2 += 8, x3 += 8;
  }
  if (pairs & 1) {
    v128.store(to, v128.load32_lane(x3, v128.load32_lane(x2, v128.load32_lane(x1, v128.load32_zero(x0), 1), 2), 3));
    to += 16;
  }
  return to;
}

/** Rows of `pairs` pairs of int8, an even number, less their zero points: a matrix needs no band. */
export function tileRows(to: usize, x0: usize, x1: usize, x2: usize, x3: usize, z0: v128, z1: v128, z2: v128, z3: v128, pairs: usize): void {
  for (const end = to + (pairs >> 2) * 64; to < end; to += 64, x0 += 8, x1 += 8, x2 += 8, x3 += 8) {
    const a0 = i16x8.sub(v128.load8x8_s(x0), z0), a1 = i16x8.sub(v128.load8x8_s(x1), z1);
    const a2 = i16x8.sub(v128.load8x8_s(x2), z2), a3 = i16x8.sub(v128.load8x8_s(x3), z3);
    storeTwoPairs(to, a0, a1, a2, a3);
    storeHighPairs(to + 32, a0, a1, a2, a3);
  }
  if (pairs & 2) storeTwoPairs(to, lastQuad(x0, z0), lastQuad(x1, z1), lastQuad(x2, z2), lastQuad(x3, z3));
}

// @ts-ignore: decorator
@inline
function lastQuad(x: usize, zero: v128): v128 {
  return i16x8.sub(i16x8.extend_low_i8x16_s(v128.load32_zero(x)), zero);
}
