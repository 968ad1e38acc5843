// Bilinear resizing of int8 in fixed point: weights in 11 bits, halves rounded up.
import { storeBytes } from "../lib/requantize";

/** Eight values between `from` and `to`: from · 2¹¹ + (to − from) · weight, as two vectors of int32. */
// @ts-ignore: decorator
@inline
function between(from: v128, to: v128, weights: v128): v128 {
  return i32x4.dot_i16x8_s(v128.shuffle<i16>(from, to, 0, 8, 1, 9, 2, 10, 3, 11), weights);
}

/** One output pixel of `channels` int8 from its four neighbours; weights are those of the right and of the lower ones. */
function blend(y: usize, topLeft: usize, topRight: usize, lowLeft: usize, lowRight: usize, channels: usize, right: i32, low: i32): void {
  // (left, right) weights in pairs, and the lower row's weight
  const weights = i32x4.splat((2048 - right) | (right << 16)), lower = i32x4.splat(low), round = i32x4.splat(1 << 21);
  for (let channel: usize = 0; channel < channels; channel += 8) {
    const tl = v128.load8x8_s(topLeft + channel), tr = v128.load8x8_s(topRight + channel);
    const ll = v128.load8x8_s(lowLeft + channel), lr = v128.load8x8_s(lowRight + channel);
    const top0 = between(tl, tr, weights), low0 = between(ll, lr, weights);
    const top1 = between(v128.shuffle<i64>(tl, tl, 1, 1), v128.shuffle<i64>(tr, tr, 1, 1), weights);
    const low1 = between(v128.shuffle<i64>(ll, ll, 1, 1), v128.shuffle<i64>(lr, lr, 1, 1), weights);
    const sum0 = i32x4.add(i32x4.shl(top0, 11), i32x4.mul(i32x4.sub(low0, top0), lower));
    const sum1 = i32x4.add(i32x4.shl(top1, 11), i32x4.mul(i32x4.sub(low1, top1), lower));
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(sum0, round), 22), i32x4.shr_s(i32x4.add(sum1, round), 22));
    storeBytes(y + channel, i64x2.extract_lane(i8x16.narrow_i16x8_s(words, words), 0), min<usize>(channels - channel, 8));
  }
}

/**
 * y = x resized, for output rows begin … end of all samples. `rows` and `cols` hold { first, second, weight of the
 * second in 2⁻¹¹ } as int32 for each output row and column. Reads up to 7 bytes past a pixel.
 */
export function qs8_resize_linear(
  y: usize, x: usize, rows: usize, cols: usize, inHeight: usize, inWidth: usize, outHeight: usize, outWidth: usize, channels: usize,
  begin: usize, end: usize,
): void {
  const rowBytes = inWidth * channels;
  y += begin * outWidth * channels;
  for (let unit = begin; unit < end; unit++) {
    const n = unit / outHeight, row = rows + (unit - n * outHeight) * 12;
    const image = x + n * inHeight * rowBytes;
    const top = image + <usize>load<u32>(row) * rowBytes, low = image + <usize>load<u32>(row, 4) * rowBytes, weight = load<i32>(row, 8);
    for (let col = cols, last = cols + outWidth * 12; col < last; col += 12, y += channels) {
      const left = <usize>load<u32>(col) * channels, right = <usize>load<u32>(col, 4) * channels;
      blend(y, top + left, top + right, low + left, low + right, channels, load<i32>(col, 8), weight);
    }
  }
}
