// int8 activations to int16 with the zero point taken off: what the exact dot product reads.
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

/** `count` zeros of 16 bits. */
function clear(y: usize, count: usize): void {
  const end = y + count * 2;
  for (const last = end - (count & 7) * 2; y < last; y += 16) v128.store(y, i16x8.splat(0));
  for (; y < end; y += 2) store<i16>(y, 0);
}

/**
 * Widens `rows` rows of the image at x from row `top` on, with the padding around it as zeros: `width` pixels a row,
 * from `padLeft` pixels before the first. Rows that no window reads, because strides pass over them, stay as they are.
 */
export function widenRows(shape: ConvShape, y: usize, x: usize, zero: i32, top: i32, rows: usize, width: usize): void {
  const channels = shape.inChannels, rowBytes = shape.inWidth * channels;
  const left = min(shape.padLeft, width), inside = min(shape.inWidth, width - left);
  const covered = (shape.kernelHeight - 1) * shape.dilationHeight + 1;
  if (inside == width && inside == shape.inWidth && top >= 0 && <usize>top + rows <= shape.inHeight && shape.strideHeight <= covered) {
    widen(y, x + <usize>top * rowBytes, rows * rowBytes, zero);
    return;
  }
  const before = left * channels, middle = inside * channels, after = (width - left - inside) * channels;
  for (let row: usize = 0; row < rows; row++, y += width * channels * 2) {
    if (row % shape.strideHeight >= covered) continue;
    const at = top + <i32>row;
    if (at < 0 || at >= <i32>shape.inHeight) {
      clear(y, width * channels);
    } else {
      clear(y, before);
      widen(y + before * 2, x + <usize>at * rowBytes, middle, zero);
      clear(y + (before + middle) * 2, after);
    }
  }
}
