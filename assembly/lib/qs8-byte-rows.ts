// int8 activations as the dot product of bytes reads them: with the sign bit flipped where it takes them for unsigned.
import { ConvShape } from "./qs8-panel";

/** y[i] = x[i] ^ flip for `count` bytes. */
export function flipBytes(y: usize, x: usize, count: usize, flip: v128): void {
  const end = x + count;
  for (const last = end - (count & 15); x < last; x += 16, y += 16) v128.store(y, v128.xor(v128.load(x), flip));
  for (; x + 4 <= end; x += 4, y += 4) v128.store32_lane(y, v128.xor(v128.load32_zero(x), flip), 0);
  for (; x < end; x++, y++) store<u8>(y, load<u8>(x) ^ <u8>i8x16.extract_lane_u(flip, 0));
}

/** `count` bytes of padding, and up to 15 more. */
function pad(y: usize, count: usize, padding: v128): void {
  for (const end = y + count; y < end; y += 16) v128.store(y, padding);
}

/**
 * `rows` rows of the image at x from row `top` on, flipped, with the padding around it as zero points: `width` pixels a row, from
 * `padLeft` pixels before the first. Writes up to 15 bytes past the last row.
 */
export function flipRows(shape: ConvShape, y: usize, x: usize, zero: i32, top: i32, rows: usize, width: usize): void {
  const channels = shape.inChannels, rowBytes = shape.inWidth * channels, flip = i8x16.splat(<i8>shape.flip), padding = i8x16.splat(<i8>(zero ^ shape.flip));
  const left = min(shape.padLeft, width), inside = min(shape.inWidth, width - left);
  const before = left * channels, middle = inside * channels, after = (width - left - inside) * channels;
  if (before + after == 0 && inside == shape.inWidth && top >= 0 && <usize>top + rows <= shape.inHeight) {
    flipBytes(y, x + <usize>top * rowBytes, rows * rowBytes, flip);
    return;
  }
  for (let row: usize = 0; row < rows; row++, y += width * channels) {
    const at = top + <i32>row;
    if (at < 0 || at >= <i32>shape.inHeight) {
      pad(y, width * channels, padding);
    } else {
      pad(y, before, padding);
      flipBytes(y + before, x + <usize>at * rowBytes, middle, flip);
      pad(y + before + middle, after, padding);
    }
  }
}
