// Folds rows about a mirror: what a product of matrices needs of its input where its weights are the same, or the same
// but for their sign, on both sides of it.

/** What a call says once, as 32-bit words in memory. All count elements; a row of x has the elements named here. */
@unmanaged
class FoldShape {
  /** Between two rows of y, and of x. */
  ldy: usize;
  ldx: usize;
  /** The first element that is paired, the last one, which is its partner, and how many pairs there are from both inwards. */
  first: usize;
  last: usize;
  pairs: usize;
  /** 0 for sums, 0x80000000 for differences. */
  sign: u32;
  /** Elements without a partner, which follow the pairs. */
  single: usize;
  singles: usize;
  /** 1 where the element in the middle follows those. */
  middle: usize;
}

/** y = | x[first + i] ± x[last − i] | x[single …] | x[middle] | zeros up to ldy | for rows begin … end. */
export function f32_fold(y: usize, x: usize, shape: FoldShape, begin: usize, end: usize): void {
  const sign = i32x4.splat(shape.sign);
  for (let row = begin; row < end; row++) {
    const from = x + row * shape.ldx * 4;
    let to = y + row * shape.ldy * 4;
    const rowEnd = to + shape.ldy * 4;
    let near = from + shape.first * 4;
    let far = from + shape.last * 4;
    const pairsEnd = to + shape.pairs * 4;
    for (; to + 16 <= pairsEnd; to += 16) {
      const v = v128.load(far - 12);
      v128.store(to, f32x4.add(v128.load(near), v128.xor(v128.shuffle<i32>(v, v, 3, 2, 1, 0), sign)));
      near += 16;
      far -= 16;
    }
    for (; to < pairsEnd; to += 4) {
      store<f32>(to, load<f32>(near) + (shape.sign ? -load<f32>(far) : load<f32>(far)));
      near += 4;
      far -= 4;
    }
    const single = from + shape.single * 4;
    for (let i: usize = 0; i < shape.singles; i++, to += 4) store<f32>(to, load<f32>(single + i * 4));
    if (shape.middle) {
      store<f32>(to, load<f32>(near));
      to += 4;
    }
    for (; to < rowEnd; to += 4) store<f32>(to, 0);
  }
}
