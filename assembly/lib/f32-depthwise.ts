// Depthwise convolution with one filter a channel: which rows go to which code. GF/s are in src/ops/conv-kernels.ts.
//
// Weights lie by blocks of four channels, in the order in which they are read; channels past the last one are zero:
//   block:  | bias 4×f32 | tap (0, 0): 4×f32 | tap (0, 1): 4×f32 | … |
import { is3x3, row3x3 } from "./f32-depthwise-3x3";
import { is5x5, row5x5 } from "./f32-depthwise-5x5";
import { anyRow } from "./f32-depthwise-any";
import { Epilogue } from "./f32-epilogue";
import { ConvShape } from "./f32-windows";

/**
 * One output row without its activation, for a 3 × 3 or 5 × 5 kernel with stride 1 or 2 and no dilation. Its first tap lies in
 * row `iy` of the image at `x`, which may be outside. `residual` may be 0. Reads, but does not use, up to 28 bytes past the last
 * channel.
 */
export function squareRow(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, iy: isize): void {
  let done: usize = 0;
  if (is3x3(shape)) {
    row3x3(y, x, w, residual, epilogue, shape, iy);
    done = shape.inChannels & ~3;
  } else if (is5x5(shape)) {
    row5x5(y, x, w, residual, epilogue, shape, iy);
    done = shape.inChannels & ~3;
  }
  if (done < shape.inChannels) anyRow(y, x, w, residual, epilogue, shape, iy, done);
}
