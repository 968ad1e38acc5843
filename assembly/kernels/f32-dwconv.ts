// Depthwise convolution in float32 with one filter a channel. A channel multiplier is a grouped convolution.
import { squareRow } from "../lib/f32-depthwise";
import { anyRow } from "../lib/f32-depthwise-any";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { ConvShape } from "../lib/f32-windows";

function rows(isSquare: bool, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, begin: usize, end: usize): void {
  const imageBytes = shape.inHeight * shape.inWidth * shape.inChannels * 4;
  const yBytes = shape.outWidth * shape.ldy * 4, rBytes = residual ? shape.outWidth * shape.ldr * 4 : 0;
  for (let row = begin; row < end; row++) {
    const image = x + (row / shape.outHeight) * imageBytes;
    const iy = <isize>((row % shape.outHeight) * shape.strideHeight) - <isize>shape.padTop;
    const to = y + row * yBytes, from = residual + row * rBytes;
    if (isSquare) squareRow(to, image, w, from, epilogue, shape, iy);
    else anyRow(to, image, w, from, epilogue, shape, iy, 0);
    activateRows(to, shape.ldy * 4, shape.outWidth, shape.inChannels, epilogue);
  }
}

/** Output rows [begin, end), counted over the whole batch, of a 3 × 3 or 5 × 5 kernel with stride 1 or 2, without dilation. `residual` may be 0. */
export function f32_dwconv_square(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  begin: usize,
  end: usize,
): void {
  rows(true, y, x, w, residual, epilogue, shape, begin, end);
}

/** Output rows [begin, end), counted over the whole batch, of any kernel, stride and dilation. `residual` may be 0. */
export function f32_dwconv(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  begin: usize,
  end: usize,
): void {
  rows(false, y, x, w, residual, epilogue, shape, begin, end);
}
