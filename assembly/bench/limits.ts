// The machine's limit on multiply-adds, for benches, which compile it themselves: ten sums in registers and nothing else.
import { madd } from "../lib/simd";

/** `rounds` > 0 times ten vector multiply-adds, 80 operations; the sums go to y[4] so that they are not optimized away. */
export function f32_madd_loop(y: usize, factor: f32, term: f32, rounds: usize): void {
  const a = f32x4.splat(factor);
  const b = f32x4.splat(term);
  let v0 = b, v1 = b, v2 = b, v3 = b, v4 = b, v5 = b, v6 = b, v7 = b, v8 = b, v9 = b;
  do {
    v0 = madd(v0, a, b); v1 = madd(v1, a, b); v2 = madd(v2, a, b); v3 = madd(v3, a, b); v4 = madd(v4, a, b);
    v5 = madd(v5, a, b); v6 = madd(v6, a, b); v7 = madd(v7, a, b); v8 = madd(v8, a, b); v9 = madd(v9, a, b);
  } while (--rounds);
  const left = f32x4.add(f32x4.add(v0, v1), f32x4.add(f32x4.add(v2, v3), v4));
  const right = f32x4.add(f32x4.add(v5, v6), f32x4.add(f32x4.add(v7, v8), v9));
  v128.store(y, f32x4.add(left, right));
}
