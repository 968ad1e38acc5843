// Copies the windows of a convolution side by side, so that the convolution becomes a product of matrices:
// one row per output pixel, with the input of kernelHeight × kernelWidth × groupChannels in the order of the weights.

/** What a convolution's call says once, in this order, as 32-bit words in memory. Sizes and strides count elements. */
@unmanaged
export class ConvShape {
  inHeight: usize;
  inWidth: usize;
  /** Elements between two input pixels. */
  inChannels: usize;
  outHeight: usize;
  outWidth: usize;
  /** Of one group. */
  outChannels: usize;
  groups: usize;
  /** Input channels of one group. */
  groupChannels: usize;
  kernelHeight: usize;
  kernelWidth: usize;
  strideHeight: usize;
  strideWidth: usize;
  dilationHeight: usize;
  dilationWidth: usize;
  padTop: usize;
  padLeft: usize;
  /** Elements between two output pixels, and between two pixels of the residual. */
  ldy: usize;
  ldr: usize;
  /** Output pixels whose windows lie in scratch at once. */
  bandRows: usize;
  /** Of a transposed convolution: elements between two output rows, and between two images. */
  yRow: usize;
  yImage: usize;
}

/** Copies `count` floats; returns the end of what was written. What a run has past its fours is copied by a last, overlapping four. */
// @ts-ignore: decorator
@inline
export function copyFloats(y: usize, x: usize, count: usize): usize {
  const end = y + (count << 2);
  if (count < 4) {
    for (; y != end; y += 4) {
      store<f32>(y, load<f32>(x));
      x += 4;
    }
    return end;
  }
  const lastFour = end - 16;
  const move = x - y;
  for (; y < lastFour; y += 16) v128.store(y, v128.load(y + move));
  v128.store(lastFour, v128.load(lastFour + move));
  return end;
}

/** Writes `count` zeros; returns their end. */
export function zeroFloats(y: usize, count: usize): usize {
  const end = y + (count << 2);
  for (const fours = end - ((count & 3) << 2); y != fours; y += 16) v128.store(y, f32x4.splat(0));
  for (; y != end; y += 4) store<f32>(y, 0);
  return end;
}

/** One row of a window that leaves the image on the left or right: taps outside are zero. */
function copyClipped(y: usize, row: usize, ix: isize, joined: bool, shape: ConvShape): void {
  const channels = shape.groupChannels;
  const taps = shape.kernelWidth;
  const pixelBytes = shape.inChannels * 4;
  if (joined) {
    const before = min<usize>(ix < 0 ? -ix : 0, taps);
    const inside = max<isize>(min<isize>(<isize>shape.inWidth - ix, taps) - before, 0);
    y = zeroFloats(y, before * channels);
    y = copyFloats(y, row + (ix + before) * pixelBytes, inside * channels);
    zeroFloats(y, (taps - before - inside) * channels);
    return;
  }
  for (let tap: usize = 0; tap < taps; tap++) {
    y = <usize>ix < shape.inWidth ? copyFloats(y, row + <usize>ix * pixelBytes, channels) : zeroFloats(y, channels);
    ix += shape.dilationWidth;
  }
}

/** One row of the windows of `count` pixels, from column `ox` of the output on; `row` is the row of the input. */
function copyWindowRow(y: usize, windowBytes: usize, row: usize, ox: usize, count: usize, shape: ConvShape): void {
  const stride = shape.strideWidth;
  const step = shape.dilationWidth * shape.inChannels * 4;
  // Neighbouring taps are neighbours in memory too, unless dilation or groups part them.
  const joined = shape.dilationWidth == 1 && shape.groupChannels == shape.inChannels;
  const taps: usize = joined ? 1 : shape.kernelWidth;
  const floats = joined ? shape.kernelWidth * shape.groupChannels : shape.groupChannels;
  const lastTap = (shape.kernelWidth - 1) * shape.dilationWidth;
  const isShort = taps == 1 && floats >= 4 && floats <= 16;
  const last = floats * 4 - 16;
  let ix = <isize>(ox * stride) - <isize>shape.padLeft;
  for (; count > 0; count--) {
    if (ix < 0 || <usize>ix + lastTap >= shape.inWidth) {
      copyClipped(y, row, ix, joined, shape);
    } else {
      let x = row + <usize>ix * shape.inChannels * 4;
      if (isShort) {
        // Two to four vectors, the last one overlapping: no loop for the few floats of a first layer.
        v128.store(y, v128.load(x));
        if (last > 16) v128.store(y, v128.load(x, 16), 16);
        if (last > 32) v128.store(y, v128.load(x, 32), 32);
        v128.store(y + last, v128.load(x + last));
      } else {
        let to = y;
        for (let tap: usize = 0; tap < taps; tap++) {
          to = copyFloats(to, x, floats);
          x += step;
        }
      }
    }
    y += windowBytes;
    ix += stride;
  }
}

/** Writes the windows of `count` output pixels, counted over the whole batch from `pixel` on, to `y`, one after another. */
export function copyWindows(y: usize, x: usize, pixel: usize, count: usize, shape: ConvShape): void {
  const rowBytes = shape.kernelWidth * shape.groupChannels * 4;
  const windowBytes = rowBytes * shape.kernelHeight;
  while (count > 0) {
    const ox = pixel % shape.outWidth;
    const line = pixel / shape.outWidth;
    const image = line / shape.outHeight;
    const pixels = min(count, shape.outWidth - ox);
    let iy = <isize>((line % shape.outHeight) * shape.strideHeight) - <isize>shape.padTop;
    for (let ky: usize = 0; ky < shape.kernelHeight; ky++) {
      const to = y + ky * rowBytes;
      if (<usize>iy < shape.inHeight) {
        const row = x + (image * shape.inHeight + <usize>iy) * shape.inWidth * shape.inChannels * 4;
        copyWindowRow(to, windowBytes, row, ox, pixels, shape);
      } else {
        for (let i: usize = 0; i < pixels; i++) zeroFloats(to + i * windowBytes, rowBytes >> 2);
      }
      iy += shape.dilationHeight;
    }
    y += pixels * windowBytes;
    pixel += pixels;
    count -= pixels;
  }
}
