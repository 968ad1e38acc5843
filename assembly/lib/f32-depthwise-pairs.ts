// Depthwise convolution by 3 × 3 taps with stride 1, eight channels after eight: two fours of channels share the addresses of their
// pixels, so a block needs a fifth fewer instructions than one of f32-depthwise-3x3.ts, whose sums it makes in the same order.
// GF/s of the one and of the other, relaxed in V8 13.6: 42 and 45 at 112×112×32, 42 and 45 at 28×28×128. V8 11.3 spills
// what lives across the branches, 31 and 19, so the simd128 tier does without.
import { Epilogue } from "./f32-epilogue";
import { QUAD, taps } from "./f32-depthwise-pixels";
import { ConvShape } from "./f32-windows";
import { clamp, madd } from "./simd";

/** `finish` for two fours of channels of whole blocks. */
// @ts-ignore: decorator
@inline
function finishPair(y: usize, yStep: usize, residual: usize, rStep: usize, c0: v128, c1: v128, c2: v128, c3: v128, d0: v128, d1: v128, d2: v128, d3: v128, lo: v128, hi: v128): void {
  if (residual) {
    c0 = f32x4.add(c0, v128.load(residual)), d0 = f32x4.add(d0, v128.load(residual, 16)), residual += rStep;
    c1 = f32x4.add(c1, v128.load(residual)), d1 = f32x4.add(d1, v128.load(residual, 16)), residual += rStep;
    c2 = f32x4.add(c2, v128.load(residual)), d2 = f32x4.add(d2, v128.load(residual, 16)), residual += rStep;
    c3 = f32x4.add(c3, v128.load(residual)), d3 = f32x4.add(d3, v128.load(residual, 16));
  }
  v128.store(y, clamp(c0, lo, hi)), v128.store(y, clamp(d0, lo, hi), 16), y += yStep;
  v128.store(y, clamp(c1, lo, hi)), v128.store(y, clamp(d1, lo, hi), 16), y += yStep;
  v128.store(y, clamp(c2, lo, hi)), v128.store(y, clamp(d2, lo, hi), 16), y += yStep;
  v128.store(y, clamp(c3, lo, hi)), v128.store(y, clamp(d3, lo, hi), 16);
}

/**
 * `blocks` blocks with stride 1 inside the image, `x` being the first tap of the first pixel, for a multiple of eight channels.
 * The branches are never taken: each keeps the optimizer from moving the loads after it up, where registers run out. Asked whether it is
 * 0, a sum of pointers would be made again, so it is compared with another number.
 */
export function stillPairs(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, blocks: usize): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi);
  const step = shape.inChannels * 4, rowBytes = shape.inWidth * step, yStep = shape.ldy * 4, rStep = shape.ldr * 4;
  const pairBytes = (shape.inChannels >> 3) * 32, rNext = residual ? 32 : 0;
  let wa: v128, wb: v128, wc: v128, v0: v128, v1: v128, v2: v128;
  for (; blocks > 0; blocks--) {
    let from = x, to = y, r = residual, quads = w;
    const end = y + pairBytes;
    do {
      let c0 = v128.load(quads), c1 = c0, c2 = c0, c3 = c0;
      let d0 = v128.load(quads, QUAD), d1 = d0, d2 = d0, d3 = d0;
      let p0 = from, weights = quads;
      for (let row = 3; row > 0; row--) {
        const p1 = p0 + step, p2 = p1 + step, p3 = p2 + step, p4 = p3 + step, p5 = p4 + step;
        wa = v128.load(weights, 16), wb = v128.load(weights, 32), wc = v128.load(weights, 48);
        v0 = v128.load(p0), v1 = v128.load(p1), v2 = v128.load(p2);
        c0 = taps(c0, v0, v1, v2, wa, wb, wc), c1 = madd(v2, wb, madd(v1, wa, c1)), c2 = madd(v2, wa, c2);
        if (p1 < 8) break;
        v0 = v128.load(p3), v1 = v128.load(p4), v2 = v128.load(p5);
        c1 = madd(v0, wc, c1), c2 = madd(v1, wc, madd(v0, wb, c2)), c3 = taps(c3, v0, v1, v2, wa, wb, wc);
        if (p2 < 8) break;
        wa = v128.load(weights, QUAD + 16), wb = v128.load(weights, QUAD + 32), wc = v128.load(weights, QUAD + 48);
        v0 = v128.load(p0, 16), v1 = v128.load(p1, 16), v2 = v128.load(p2, 16);
        d0 = taps(d0, v0, v1, v2, wa, wb, wc), d1 = madd(v2, wb, madd(v1, wa, d1)), d2 = madd(v2, wa, d2);
        if (p3 < 8) break;
        v0 = v128.load(p3, 16), v1 = v128.load(p4, 16), v2 = v128.load(p5, 16);
        d1 = madd(v0, wc, d1), d2 = madd(v1, wc, madd(v0, wb, d2)), d3 = taps(d3, v0, v1, v2, wa, wb, wc);
        p0 += rowBytes, weights += 48;
      }
      finishPair(to, yStep, r, rStep, c0, c1, c2, c3, d0, d1, d2, d3, lo, hi);
      from += 32, to += 32, r += rNext, quads += 2 * QUAD;
    } while (to < end);
    x += 4 * step, y += 4 * yStep, residual += residual ? 4 * rStep : 0;
  }
}
