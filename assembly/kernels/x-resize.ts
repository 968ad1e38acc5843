// Resizing by copies: every output pixel is some input pixel, of any element size.
import { copyBytes } from "../lib/bytes";

/**
 * y[n][row][col] = x[n][rowIndex[row]][colIndex[col]], pixels of `pixelBytes` bytes, for output rows begin … end of all
 * samples. An index is int32.
 */
export function x8_resize_nearest(
  y: usize,
  x: usize,
  rowIndex: usize,
  colIndex: usize,
  inHeight: usize,
  inWidth: usize,
  outHeight: usize,
  outWidth: usize,
  pixelBytes: usize,
  begin: usize,
  end: usize,
): void {
  const rowBytes = inWidth * pixelBytes;
  y += begin * outWidth * pixelBytes;
  for (let unit = begin; unit < end; unit++) {
    const n = unit / outHeight;
    const xRow = x + (n * inHeight + <usize>load<u32>(rowIndex + ((unit - n * outHeight) << 2))) * rowBytes;
    for (let at = colIndex, last = colIndex + (outWidth << 2); at < last; at += 4) {
      const from = xRow + <usize>load<u32>(at) * pixelBytes;
      if (pixelBytes == 4) store<u32>(y, load<u32>(from));
      else if (pixelBytes == 1) store<u8>(y, load<u8>(from));
      else copyBytes(y, from, pixelBytes);
      y += pixelBytes;
    }
  }
}
