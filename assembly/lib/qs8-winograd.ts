// The transforms of Winograd's F(4×4, 3×3) in integers.
//
// Over each axis the input's Bᵀ is the usual one; its coefficients add up to at most 10, so that 6×6 patches of ±255
// stay within int16. The weights' G is 24 times the usual one, but for a half in rows 0 and 5, which the output's Aᵀ
// makes up for:
//        | 3   0   0 |               | 2  1  1  1  1  0 |
//        |-4  -4  -4 |               | 0  1 -1  2 -2  0 |
//    G = |-4   4  -4 |          Aᵀ = | 0  1  1  4  4  0 |
//        | 1   2   4 |               | 0  1 -1  8 -8  2 |
//        | 1  -2   4 |
//        | 0   0  12 |
// The output is then 576 = 64 · 9 times the convolution, modulo 2³²; nine has an inverse there, and a shift takes off
// the 64. That is exact as long as the convolution lies within ±2²⁵; where it may not, parts of the channels are
// summed and transformed apart, and their convolutions added.
import { ConvShape } from "./qs8-panel";
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize, storeBytes } from "./requantize";

/** 9 · INVERSE_OF_9 = 1 modulo 2³². */
// @ts-ignore: decorator
@inline const INVERSE_OF_9: i32 = 954437177;

/** Bᵀ d for six vectors of eight channels, `from` bytes apart, into six that are `to` bytes apart. */
// @ts-ignore: decorator
@inline
function inputSix(y: usize, yStep: usize, x: usize, xStep: usize): void {
  const x2 = x + 2 * xStep, x4 = x2 + 2 * xStep;
  const d0 = v128.load(x), d1 = v128.load(x + xStep), d2 = v128.load(x2);
  const d3 = v128.load(x2 + xStep), d4 = v128.load(x4), d5 = v128.load(x4 + xStep);
  const even = i16x8.sub(d4, d2), odd = i16x8.sub(d3, d1);
  const far = i16x8.sub(d4, i16x8.shl(d2, 2)), near = i16x8.sub(d3, i16x8.shl(d1, 2));
  const twice = i16x8.add(odd, odd);
  const y2 = y + 2 * yStep, y4 = y2 + 2 * yStep;
  v128.store(y, i16x8.add(i16x8.shl(i16x8.sub(d0, d2), 2), even));
  v128.store(y + yStep, i16x8.add(far, near));
  v128.store(y2, i16x8.sub(far, near));
  v128.store(y2 + yStep, i16x8.add(even, twice));
  v128.store(y4, i16x8.sub(even, twice));
  v128.store(y4 + yStep, i16x8.sub(i16x8.sub(d5, d3), i16x8.shl(odd, 2)));
}

/**
 * Bᵀ d B of the 6×6 patch at x, whose rows and pixels are `rowBytes` and `pixelBytes` apart, for eight channels
 * at a time: 36 numbers of each channel, `elementBytes` apart. `temporary` has room for 36 vectors.
 */
export function transformInput(y: usize, elementBytes: usize, x: usize, rowBytes: usize, pixelBytes: usize, channels: usize, temporary: usize): void {
  for (const end = x + channels * 2; x < end; x += 16, y += 16) {
    for (let column: usize = 0; column < 6; column++) inputSix(temporary + column * 16, 96, x + column * pixelBytes, rowBytes);
    for (let row: usize = 0; row < 6; row++) inputSix(y + row * 6 * elementBytes, elementBytes, temporary + row * 96, 16);
  }
}

/** Aᵀ m for six vectors, `from` bytes apart: the four results are stored 96 bytes apart. */
// @ts-ignore: decorator
@inline
function outputColumn(y: usize, x: usize, xStep: usize): void {
  const x2 = x + 2 * xStep, x4 = x2 + 2 * xStep;
  const m0 = v128.load(x), m1 = v128.load(x + xStep), m2 = v128.load(x2);
  const m3 = v128.load(x2 + xStep), m4 = v128.load(x4), m5 = v128.load(x4 + xStep);
  const sum1 = i32x4.add(m1, m2), sum2 = i32x4.add(m3, m4);
  const difference1 = i32x4.sub(m1, m2), difference2 = i32x4.sub(m3, m4);
  const twice = i32x4.add(difference2, difference2);
  v128.store(y, i32x4.add(i32x4.add(i32x4.add(m0, m0), sum1), sum2));
  v128.store(y, i32x4.add(difference1, twice), 96);
  v128.store(y, i32x4.add(sum1, i32x4.shl(sum2, 2)), 192);
  v128.store(y, i32x4.add(i32x4.add(difference1, i32x4.shl(twice, 2)), i32x4.add(m5, m5)), 288);
}

/** A sum, with the convolution of which `multiple` is 576 times added. */
// @ts-ignore: decorator
@inline
function addSum(sum: v128, multiple: v128, inverse: v128): v128 {
  return i32x4.add(sum, i32x4.shr_s(i32x4.mul(multiple, inverse), 6));
}

/** Bytes of a part of the channels that wait for the second half of their transform. */
// @ts-ignore: decorator
@inline export const PART_BYTES: usize = 24 * 16;

/**
 * Up to four channels of the 4×4 pixels of a tile, of which `rows` × `columns` are inside the image: 36 sums of each
 * channel at x, `elementBytes` apart, for each of `parts` parts. `head` holds bias and scale of eight channels, and counts
 * from the first of the four.
 */
export function transformOutput(
  shape: ConvShape, y: usize, x: usize, elementBytes: usize, parts: usize, head: usize, rows: usize, columns: usize, cols: usize, temporary: usize,
): void {
  const lastPart = temporary + parts * PART_BYTES;
  for (let part = temporary; part < lastPart; part += PART_BYTES, x += 36 * elementBytes) {
    for (let column: usize = 0; column < 6; column++) outputColumn(part + column * 16, x + column * elementBytes, 6 * elementBytes);
  }
  const inverse = i32x4.splat(INVERSE_OF_9), bias = v128.load(head), scale = v128.load(head, 32);
  const floor = floorOf(shape.yZero, shape.lo), magic = magicOf(shape.yZero), offset = offsetOf(shape.yZero), hi = i8x16.splat(<i8>shape.hi);
  const ldy = shape.ldy, yRow = shape.outWidth * ldy;
  for (let row: usize = 0; row < rows; row++, y += yRow) {
    let s0 = bias, s1 = bias, s2 = bias, s3 = bias;
    for (let part = temporary + row * 96; part < lastPart; part += PART_BYTES) {
      const m0 = v128.load(part), m5 = v128.load(part, 80);
      const sum1 = i32x4.add(v128.load(part, 16), v128.load(part, 32)), sum2 = i32x4.add(v128.load(part, 48), v128.load(part, 64));
      const difference1 = i32x4.sub(v128.load(part, 16), v128.load(part, 32));
      const difference2 = i32x4.sub(v128.load(part, 48), v128.load(part, 64));
      const twice = i32x4.add(difference2, difference2);
      s0 = addSum(s0, i32x4.add(i32x4.add(i32x4.add(m0, m0), sum1), sum2), inverse);
      s1 = addSum(s1, i32x4.add(difference1, twice), inverse);
      s2 = addSum(s2, i32x4.add(sum1, i32x4.shl(sum2, 2)), inverse);
      s3 = addSum(s3, i32x4.add(i32x4.add(difference1, i32x4.shl(twice, 2)), i32x4.add(m5, m5)), inverse);
    }
    const bytes = narrow16(
      narrow8(requantize(s0, scale, floor, magic, offset), requantize(s1, scale, floor, magic, offset)),
      narrow8(requantize(s2, scale, floor, magic, offset), requantize(s3, scale, floor, magic, offset)),
      hi,
    );
    if (columns == 4 && cols >= 4) {
      v128.store32_lane(y, bytes, 0);
      v128.store32_lane(y + ldy, bytes, 1);
      v128.store32_lane(y + 2 * ldy, bytes, 2);
      v128.store32_lane(y + 3 * ldy, bytes, 3);
    } else {
      storeFours(y, ldy, bytes, columns, min<usize>(cols, 4));
    }
  }
}

/** The first `count` of four pixels, the first `cols` of four channels each. */
function storeFours(y: usize, ldy: usize, bytes: v128, count: usize, cols: usize): void {
  for (const end = y + ldy * count; y < end; y += ldy) {
    storeBytes(y, <i64>i32x4.extract_lane(bytes, 0), cols);
    bytes = v128.shuffle<i32>(bytes, bytes, 1, 2, 3, 0);
  }
}
