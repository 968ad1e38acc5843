// Tiles of four pixels times panels of eight channels: the inner product of the int8 convolutions.
// Where the last tile has up to two pixels, or the last panel up to four channels, half the sums are computed.
import { ConvShape, dot, PANEL_HEAD, storeSums, TO_INT8 } from "./qs8-panel";
import { magicOf, narrow16, narrow8, offsetOf, requantizeNear, storeBytes } from "./requantize";

/** What requantizing takes: numbers that V8 11.3 would make anew for every tile, had they not been loaded. */
@unmanaged
export class Rounding {
  magic: i32;
  offset: i32;
  /** The clamp, in each of four bytes. */
  lo: i32;
  hi: i32;
}

/** Bytes of a Rounding, and with the block behind it: the sums of a tile, or its int8. */
// @ts-ignore: decorator
@inline const ROUNDING_BYTES: usize = 16;
// @ts-ignore: decorator
@inline export const PRODUCT_BYTES: usize = ROUNDING_BYTES + 128;

/** Writes the numbers at the beginning of PRODUCT_BYTES. */
export function writeRounding(to: Rounding, shape: ConvShape): void {
  to.magic = i32x4.extract_lane(magicOf(shape.yZero), 0);
  to.offset = i32x4.extract_lane(offsetOf(shape.yZero), 0);
  to.lo = (shape.lo & 255) * 0x01010101;
  to.hi = (shape.hi & 255) * 0x01010101;
}

/**
 * True where no sum of this panel, times its scale, can be as low as −2²², where rounding by an addition loses the order.
 * A product is 255 · 255 at most, or 255 · 128 with a symmetric weight.
 */
export function isNear(panel: usize, elements: usize): bool {
  const products = f32x4.splat(<f32>elements * 65025), limit = f32x4.splat(4194304);
  const sum0 = f32x4.add(products, f32x4.abs(f32x4.convert_i32x4_s(v128.load(panel))));
  const sum1 = f32x4.add(products, f32x4.abs(f32x4.convert_i32x4_s(v128.load(panel, 16))));
  const far0 = f32x4.mul(sum0, v128.load(panel, 32)), far1 = f32x4.mul(sum1, v128.load(panel, 48));
  return i32x4.all_true(v128.and(f32x4.lt(f32x4.abs(far0), limit), f32x4.lt(f32x4.abs(far1), limit)));
}

/** Sixteen requantized integers as int8, clamped. */
// @ts-ignore: decorator
@inline
function toBytes(x0: v128, x1: v128, x2: v128, x3: v128, rounding: usize): v128 {
  return i8x16.max_s(narrow16(narrow8(x0, x1), narrow8(x2, x3), v128.load32_splat(rounding, 12)), v128.load32_splat(rounding, 8));
}

/**
 * Four pixels × eight channels as int8, at y and every `ldy` bytes on. Of a tile that is not tall the first two pixels are
 * computed, of one that is not wide the first four channels. One pair of elements at a time: the vector units are busy with its
 * 16 instructions for 5 cycles, so that longer loop bodies, which do not spill where never-taken branches part them, were
 * measured the same. No call may follow, nor a way out: V8 would keep the sums where that wants them.
 */
// @ts-ignore: decorator
@inline
function tile<W>(y: usize, ldy: usize, a: usize, tileBytes: usize, panel: usize, rounding: usize, isTall: bool, isWide: bool): void {
  let acc00 = v128.load(panel), acc01 = v128.load(panel, 16);
  let acc10 = acc00, acc11 = acc01;
  let acc20 = acc00, acc21 = acc01;
  let acc30 = acc00, acc31 = acc01;
  let w = panel + PANEL_HEAD;
  for (const end = a + tileBytes; a < end; a += 16, w += 16 * sizeof<W>()) {
    const w0 = sizeof<W>() == 2 ? v128.load(w) : v128.load8x8_s(w);
    const w1 = sizeof<W>() == 2 ? v128.load(w, 16) : v128.load8x8_s(w, 8);
    let pair = v128.load32_splat(a);
    acc00 = dot(pair, w0, acc00);
    if (isWide) acc01 = dot(pair, w1, acc01);
    pair = v128.load32_splat(a, 4);
    acc10 = dot(pair, w0, acc10);
    if (isWide) acc11 = dot(pair, w1, acc11);
    if (isTall) {
      pair = v128.load32_splat(a, 8);
      acc20 = dot(pair, w0, acc20);
      if (isWide) acc21 = dot(pair, w1, acc21);
      pair = v128.load32_splat(a, 12);
      acc30 = dot(pair, w0, acc30);
      if (isWide) acc31 = dot(pair, w1, acc31);
    }
  }
  const scale0 = v128.load(panel, 32), scale1 = v128.load(panel, 48);
  const magic = v128.load32_splat(rounding), offset = v128.load32_splat(rounding, 4);
  const y00 = requantizeNear(acc00, scale0, magic, offset), y10 = requantizeNear(acc10, scale0, magic, offset);
  if (!isWide) {
    const quads = toBytes(y00, y10, requantizeNear(acc20, scale0, magic, offset), requantizeNear(acc30, scale0, magic, offset), rounding);
    v128.store32_lane(y, quads, 0);
    v128.store32_lane(y + ldy, quads, 1);
    v128.store32_lane(y + ldy * 2, quads, 2);
    v128.store32_lane(y + ldy * 3, quads, 3);
    return;
  }
  const rows01 = toBytes(y00, requantizeNear(acc01, scale1, magic, offset), y10, requantizeNear(acc11, scale1, magic, offset), rounding);
  v128.store64_lane(y, rows01, 0);
  v128.store64_lane(y + ldy, rows01, 1);
  if (!isTall) return;
  const rows23 = toBytes(
    requantizeNear(acc20, scale0, magic, offset), requantizeNear(acc21, scale1, magic, offset),
    requantizeNear(acc30, scale0, magic, offset), requantizeNear(acc31, scale1, magic, offset), rounding,
  );
  v128.store64_lane(y + ldy * 2, rows23, 0);
  v128.store64_lane(y + ldy * 3, rows23, 1);
}

function wholeTiles<W>(y: usize, ldy: usize, a: usize, end: usize, tileBytes: usize, panel: usize, rounding: usize): void {
  for (; a < end; a += tileBytes, y += 4 * ldy) tile<W>(y, ldy, a, tileBytes, panel, rounding, true, true);
}

function narrowTiles(y: usize, ldy: usize, a: usize, end: usize, tileBytes: usize, panel: usize, rounding: usize): void {
  for (; a < end; a += tileBytes, y += 4 * ldy) tile<i16>(y, ldy, a, tileBytes, panel, rounding, true, false);
}

/** The sums of a tile, row by row. */
// @ts-ignore: decorator
@inline
function sumTile<W>(to: usize, a: usize, tileBytes: usize, panel: usize): void {
  let acc00 = v128.load(panel), acc01 = v128.load(panel, 16);
  let acc10 = acc00, acc11 = acc01;
  let acc20 = acc00, acc21 = acc01;
  let acc30 = acc00, acc31 = acc01;
  let w = panel + PANEL_HEAD;
  for (const end = a + tileBytes; a < end; a += 16, w += 16 * sizeof<W>()) {
    const w0 = sizeof<W>() == 2 ? v128.load(w) : v128.load8x8_s(w);
    const w1 = sizeof<W>() == 2 ? v128.load(w, 16) : v128.load8x8_s(w, 8);
    let pair = v128.load32_splat(a);
    acc00 = dot(pair, w0, acc00), acc01 = dot(pair, w1, acc01);
    pair = v128.load32_splat(a, 4);
    acc10 = dot(pair, w0, acc10), acc11 = dot(pair, w1, acc11);
    pair = v128.load32_splat(a, 8);
    acc20 = dot(pair, w0, acc20), acc21 = dot(pair, w1, acc21);
    pair = v128.load32_splat(a, 12);
    acc30 = dot(pair, w0, acc30), acc31 = dot(pair, w1, acc31);
  }
  v128.store(to, acc00), v128.store(to, acc01, 16), v128.store(to, acc10, 32), v128.store(to, acc11, 48);
  v128.store(to, acc20, 64), v128.store(to, acc21, 80), v128.store(to, acc30, 96), v128.store(to, acc31, 112);
}

/**
 * `count` output pixels, in tiles of four from `a` on, times one panel of int16 weights, or int8 ones: y[pixel · ldy + channel].
 * Only the first `cols` channels are written. `scratch` holds PRODUCT_BYTES, with what `writeRounding` writes; what is no whole
 * tile of int8 goes through its block. Weights of int8, which are for few pixels or little memory, have no half tiles.
 */
export function panelTiles(
  shape: ConvShape, y: usize, a: usize, tileBytes: usize, count: usize, panel: usize, isSmall: bool, cols: usize, rowScale: usize, scratch: usize,
): void {
  const isBytes = shape.output == TO_INT8 && isNear(panel, tileBytes >> 3), isNarrow = isBytes && !isSmall && cols <= 4;
  const rowBytes = shape.ldy * (shape.output == TO_INT8 ? 1 : 4), block = scratch + ROUNDING_BYTES, bias = panel + shape.panelBytes - 32;
  if (isBytes && (cols == 8 || (isNarrow && cols == 4))) {
    const end = a + (count >> 2) * tileBytes;
    if (isNarrow) narrowTiles(y, rowBytes, a, end, tileBytes, panel, scratch);
    else if (isSmall) wholeTiles<i8>(y, rowBytes, a, end, tileBytes, panel, scratch);
    else wholeTiles<i16>(y, rowBytes, a, end, tileBytes, panel, scratch);
    y += (count & ~3) * rowBytes, a = end, count &= 3;
  }
  for (let rows: usize = 0; count > 0; count -= rows, a += tileBytes) {
    const end = a + tileBytes;
    rows = min<usize>(count, 4);
    if (isNarrow) narrowTiles(block, 8, a, end, tileBytes, panel, scratch);
    else if (!isBytes) isSmall ? sumTile<i8>(block, a, tileBytes, panel) : sumTile<i16>(block, a, tileBytes, panel);
    else if (isSmall) wholeTiles<i8>(block, 8, a, end, tileBytes, panel, scratch);
    else if (rows <= 2) tile<i16>(block, 8, a, tileBytes, panel, scratch, false, true);
    else wholeTiles<i16>(block, 8, a, end, tileBytes, panel, scratch);
    for (let row: usize = 0; row < rows; row++, y += rowBytes, rowScale += shape.rowScaleStep) {
      if (isBytes) storeBytes(y, load<i64>(block + row * 8), cols);
      else storeSums(shape, y, v128.load(block + row * 32), v128.load(block + row * 32, 16), panel, bias, cols, rowScale);
    }
  }
}
