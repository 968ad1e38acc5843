// Any function of one byte, from the table of its 256 results.
import { flipBits } from "../lib/bytes";

/** y[row][col] = table[x[row][col]] for rows begin … end of `cols` bytes; bytes count as unsigned. `y` may be `x`. */
export function x8_lut(y: usize, x: usize, table: usize, cols: usize, ldy: usize, ldx: usize, begin: usize, end: usize): void {
  for (let row = begin; row < end; row++) {
    let to = y + row * ldy, from = x + row * ldx;
    const last = to + cols;
    for (const fours = last - (cols & 3); to < fours; to += 4, from += 4) {
      const bytes = load<u32>(from);
      store<u8>(to, load<u8>(table + (bytes & 255)));
      store<u8>(to, load<u8>(table + ((bytes >> 8) & 255)), 1);
      store<u8>(to, load<u8>(table + ((bytes >> 16) & 255)), 2);
      store<u8>(to, load<u8>(table + (bytes >> 24)), 3);
    }
    for (; to < last; to++, from++) store<u8>(to, load<u8>(table + load<u8>(from)));
  }
}

/** y = x with its highest bit turned over, for bytes begin … end: uint8 to int8 128 lower, and back. `y` may be `x`. */
export function x8_flip_sign(y: usize, x: usize, begin: usize, end: usize): void {
  flipBits(y + begin, x + begin, end - begin, i8x16.splat(-128));
}
