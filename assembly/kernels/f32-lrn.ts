// Local response normalization over neighbouring channels.
import { expOf, lnOf } from "../lib/exp-ln";
import { splat } from "../lib/math";
import { madd } from "../lib/simd";
import { loadSome, storeSome } from "../lib/tail";

/**
 * y = x / (bias + alpha · Σ x²)^beta for rows begin … end of `channels` floats; the sum is over the channels from
 * `before` before to `after` after each, as far as they exist. `y` must not be `x`.
 */
export function f32_lrn(
  y: usize, x: usize, channels: usize, before: usize, after: usize, alpha: f32, beta: f32, bias: f32, begin: usize, end: usize,
): void {
  const rowBytes = channels << 2;
  for (let row = begin; row < end; row++) {
    const from = x + row * rowBytes;
    const to = y + row * rowBytes;
    squareSums(to, from, rowBytes, before << 2, after << 2);
    divideRow(to, from, rowBytes, splat(alpha), splat(-beta), splat(bias));
  }
}

/** y = Σ x² over each window. Whole windows go four at a time. */
function squareSums(y: usize, x: usize, rowBytes: usize, before: usize, after: usize): void {
  for (let at: usize = 0; at < rowBytes; ) {
    if (at >= before && at + after + 16 <= rowBytes) {
      let sum = splat(0);
      for (let tap = x + at - before; tap <= x + at + after; tap += 4) {
        const v = v128.load(tap);
        sum = madd(v, v, sum);
      }
      v128.store(y + at, sum);
      at += 16;
    } else {
      let sum: f32 = 0;
      const last = min(at + after, rowBytes - 4);
      for (let tap = at > before ? at - before : 0; tap <= last; tap += 4) sum += load<f32>(x + tap) * load<f32>(x + tap);
      store<f32>(y + at, sum);
      at += 4;
    }
  }
}

/** y = x · (bias + alpha · y)^exponent */
function divideRow(y: usize, x: usize, rowBytes: usize, alpha: v128, exponent: v128, bias: v128): void {
  const last = x + rowBytes;
  do {
    const lanes = min((last - x) >> 2, 4);
    const whole = lanes == 4;
    const sum = whole ? v128.load(y) : loadSome(y, lanes);
    const v = whole ? v128.load(x) : loadSome(x, lanes);
    const power = expOf(f32x4.mul(exponent, lnOf(madd(alpha, sum, bias))));
    if (whole) v128.store(y, f32x4.mul(v, power));
    else storeSome(y, f32x4.mul(v, power), lanes);
    x += 16;
    y += 16;
  } while (x < last);
}
