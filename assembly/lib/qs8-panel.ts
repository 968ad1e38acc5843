// What the int8 convolutions agree on: the words of a call, the panels of weights, how sums are stored.
// lib/qs8-product multiplies: 4 output pixels × 8 output channels on i32x4.dot_i16x8_s, which is exact.
//
// Activations are int16 with their zero point taken off, the windows of four pixels side by side, so that
// the product walks two pointers (lib/qs8-tiles makes them):
//   | for every pair of a window's elements: pixel 0, pixel 1, pixel 2, pixel 3, each 2 × i16 |
// A window is read as runs of contiguous elements; `pairs` counts a run's elements by two, and what a run
// lacks to a whole pair meets weights of zero, so any bytes may follow it. Of a matrix it is even.
//
// Weights lie in panels of eight output channels, in the order in which they are read:
//   | bias 8×i32 | scale 8×f32 | for every run, for every pair of its elements: 8 channels × 2 weights |
// with weights of type W: i16 (fast, zero point taken off) or i8 (half the bytes, symmetric).
// Where the output is float32, the integer bias is 0 and 8×f32 of bias follow the weights.
import { clamp } from "./simd";
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize, storeBytes } from "./requantize";

/** Bytes of a panel before its weights. */
// @ts-ignore: decorator
@inline export const PANEL_HEAD: usize = 64;

/** What becomes of the sums: int8, the int32 themselves, or float32 with a scale for each row. */
// @ts-ignore: decorator
@inline export const TO_INT8: usize = 0;
// @ts-ignore: decorator
@inline export const TO_INT32: usize = 1;
// @ts-ignore: decorator
@inline export const TO_FLOAT32: usize = 2;

/** What a convolution's call says once, in this order, as 32-bit words in memory. */
@unmanaged
export class ConvShape {
  inHeight: usize;
  inWidth: usize;
  inChannels: usize;
  outHeight: usize;
  outWidth: usize;
  /** Of one group. */
  outChannels: usize;
  groups: usize;
  kernelHeight: usize;
  kernelWidth: usize;
  strideHeight: usize;
  strideWidth: usize;
  dilationHeight: usize;
  dilationWidth: usize;
  padTop: usize;
  padLeft: usize;
  /** Elements between two output pixels. */
  ldy: usize;
  /** Zero points of input and output; the output's clamp. */
  xZero: i32;
  yZero: i32;
  lo: i32;
  hi: i32;
  /** Output pixels (tiles, rows: as the kernel says) that are worked on at once. */
  band: usize;
  /** TO_INT8, TO_INT32 or TO_FLOAT32. */
  output: usize;
  /** Bytes between the packed weights of two panels. */
  panelBytes: usize;
  /** Runs of a window: `kernelHeight` × `runs`, each of 2 · `pairs` elements, `runStep` elements apart. */
  runs: usize;
  runStep: usize;
  pairs: usize;
  /** Of TO_FLOAT32: bytes between the { scale f32, zero i32 } of two input rows, or 0 where all share one. */
  rowScaleStep: usize;
  /** Of kernels with dot products of bytes: what the bits of activations are changed by, 128 where they are read as unsigned, or 0. */
  flip: i32;
  /** Of TO_FLOAT32: the clamp. */
  lowest: f32;
  highest: f32;
}

/** Pixels that the windows of one output row cover. */
// @ts-ignore: decorator
@inline
export function widthOf(shape: ConvShape): usize {
  return (shape.outWidth - 1) * shape.strideWidth + (shape.kernelWidth - 1) * shape.dilationWidth + 1;
}

/** sum + a · b, two products to each of four sums. */
// @ts-ignore: decorator
@inline
export function dot(a: v128, b: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

/** One row of eight sums as int32, as float32: sum · row's scale · channel's scale + bias, clamped; or, however far they are, as int8. */
export function storeSums(shape: ConvShape, y: usize, low: v128, high: v128, panel: usize, bias: usize, cols: usize, rowScale: usize): void {
  if (shape.output == TO_INT8) {
    const floor = floorOf(shape.yZero, shape.lo), magic = magicOf(shape.yZero), offset = offsetOf(shape.yZero);
    const words = narrow8(requantize(low, v128.load(panel, 32), floor, magic, offset), requantize(high, v128.load(panel, 48), floor, magic, offset));
    storeBytes(y, i64x2.extract_lane(narrow16(words, words, i8x16.splat(<i8>shape.hi)), 0), cols);
    return;
  }
  if (shape.output == TO_FLOAT32) {
    const row = v128.load32_splat(rowScale);
    const lowest = f32x4.splat(shape.lowest), highest = f32x4.splat(shape.highest);
    low = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(low), row), v128.load(panel, 32));
    high = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(high), row), v128.load(panel, 48));
    low = clamp(f32x4.add(low, v128.load(bias)), lowest, highest);
    high = clamp(f32x4.add(high, v128.load(bias, 16)), lowest, highest);
  }
  if (cols >= 4) {
    v128.store(y, low);
    y += 16;
    cols -= 4;
    low = high;
  }
  if (cols >= 4) {
    v128.store(y, low);
    return;
  }
  if (cols > 0) v128.store32_lane(y, low, 0);
  if (cols > 1) v128.store32_lane(y, low, 1, 4);
  if (cols > 2) v128.store32_lane(y, low, 2, 8);
}
