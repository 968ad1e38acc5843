// int8 activations as the exact dot products read them: int16 with the zero point taken off, or bytes.
import { fillElements, flipBits } from "./bytes";
import { ConvShape } from "./qs8-panel";

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

/** Elements as the band of a T has them: int16 less `zero`, or bytes with the shape's bits flipped. */
// @ts-ignore: decorator
@inline
function move<T>(shape: ConvShape, y: usize, x: usize, count: usize, zero: i32): void {
  if (sizeof<T>() == 2) widen(y, x, count, zero);
  else flipBits(y, x, count, i8x16.splat(<i8>shape.flip));
}

/**
 * `rows` rows of the image at x from row `top` on, as int16 less the zero point (T is u16), or as bytes with the bits flipped that
 * the dot product of bytes wants (u8), with the padding around them as zero points: `width` pixels a row, from `padLeft` pixels before
 * the first. Rows that no window reads, because strides pass over them, stay as they are.
 */
export function bandRows<T>(shape: ConvShape, y: usize, x: usize, zero: i32, top: i32, rows: usize, width: usize): void {
  const channels = shape.inChannels, rowBytes = shape.inWidth * channels, padding = sizeof<T>() == 2 ? <T>0 : <T>(zero ^ shape.flip);
  const left = min(shape.padLeft, width), inside = min(shape.inWidth, width - left);
  const covered = (shape.kernelHeight - 1) * shape.dilationHeight + 1;
  if (inside == width && inside == shape.inWidth && top >= 0 && <usize>top + rows <= shape.inHeight && shape.strideHeight <= covered) {
    move<T>(shape, y, x + <usize>top * rowBytes, rows * rowBytes, zero);
    return;
  }
  const before = left * channels, middle = inside * channels, after = (width - left - inside) * channels;
  for (let row: usize = 0; row < rows; row++, y += width * channels * sizeof<T>()) {
    if (row % shape.strideHeight >= covered) continue;
    const at = top + <i32>row;
    if (at < 0 || at >= <i32>shape.inHeight) {
      fillElements<T>(y, padding, width * channels);
    } else {
      fillElements<T>(y, padding, before);
      move<T>(shape, y + before * sizeof<T>(), x + <usize>at * rowBytes, middle, zero);
      fillElements<T>(y + (before + middle) * sizeof<T>(), padding, after);
    }
  }
}
