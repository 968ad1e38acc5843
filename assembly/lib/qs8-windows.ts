// Where the windows of a band of output pixels, and the runs of contiguous elements within a window, begin in the band's input.
import { ConvShape, widthOf } from "./qs8-panel";

/** Writes where the windows of `count` pixels begin, the first one at column `column`; four more repeat the last. */
export function placeWindows(shape: ConvShape, windows: usize, column: usize, count: usize, elementBytes: usize): void {
  const stepX = shape.strideWidth * shape.inChannels * elementBytes;
  const stepY = shape.strideHeight * widthOf(shape) * shape.inChannels * elementBytes;
  const end = windows + count * 4;
  for (let row: usize = 0; windows < end; row += stepY, column = 0) {
    for (; column < shape.outWidth && windows < end; column++, windows += 4) store<u32>(windows, row + column * stepX);
  }
  v128.store(windows, v128.load32_splat(windows - 4));
}

/** Writes where the runs of a window begin. */
export function placeRuns(shape: ConvShape, to: usize, elementBytes: usize): void {
  const rowStep = shape.dilationHeight * widthOf(shape) * shape.inChannels * elementBytes, step = shape.runStep * elementBytes;
  for (let row: usize = 0; row < shape.kernelHeight; row++) {
    for (let run: usize = 0; run < shape.runs; run++, to += 4) store<u32>(to, row * rowStep + run * step);
  }
}

/** True where every row of the input is a window. */
// @ts-ignore: decorator
@inline
export function isMatrix(shape: ConvShape): bool {
  return shape.groups * shape.inWidth * shape.outWidth * shape.kernelHeight * shape.kernelWidth * shape.strideHeight == 1 && shape.inHeight == shape.outHeight && (shape.padTop | shape.padLeft) == 0;
}
