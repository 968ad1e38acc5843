// Byte runs of any length. The engine's own memory.copy is a call out of the module, which
// costs more than the copy itself below some hundred bytes.

const CALL_BYTES: usize = 512;

/** Copies `bytes` bytes between runs that do not overlap. Reads and writes nothing else. */
export function copyBytes(y: usize, x: usize, bytes: usize): void {
  if (bytes >= CALL_BYTES) {
    memory.copy(y, x, bytes);
    return;
  }
  if (bytes >= 16) {
    const last = bytes - 16;
    for (let i: usize = 0; i < last; i += 16) v128.store(y + i, v128.load(x + i));
    v128.store(y + last, v128.load(x + last));
    return;
  }
  copyShort(y, x, bytes);
}

/** Copies fewer than 16 bytes: two moves that may overlap, or single bytes. */
function copyShort(y: usize, x: usize, bytes: usize): void {
  if (bytes >= 8) {
    store<u64>(y, load<u64>(x));
    store<u64>(y + bytes - 8, load<u64>(x + bytes - 8));
  } else if (bytes >= 4) {
    store<u32>(y, load<u32>(x));
    store<u32>(y + bytes - 4, load<u32>(x + bytes - 4));
  } else if (bytes >= 2) {
    store<u16>(y, load<u16>(x));
    store<u16>(y + bytes - 2, load<u16>(x + bytes - 2));
  } else if (bytes) {
    store<u8>(y, load<u8>(x));
  }
}

/** Fills `count` elements with `value`. */
export function fillElements<T>(y: usize, value: T, count: usize): void {
  const lanes: usize = 16 / sizeof<T>();
  if (count < lanes) {
    for (let i: usize = 0; i < count; i++) store<T>(y + i * sizeof<T>(), value);
    return;
  }
  const v = v128.splat<T>(value);
  const last = (count - lanes) * sizeof<T>();
  for (let i: usize = 0; i < last; i += 16) v128.store(y + i, v);
  v128.store(y + last, v);
}

/** y = x ^ flips for `count` bytes, of which `flips` has sixteen the same. `y` may be `x`. */
export function flipBits(y: usize, x: usize, count: usize, flips: v128): void {
  const end = y + count;
  for (const last = end - (count & 15); y < last; y += 16, x += 16) v128.store(y, v128.xor(v128.load(x), flips));
  for (; y < end; y++, x++) store<u8>(y, load<u8>(x) ^ i8x16.extract_lane_u(flips, 0));
}

/** Eight bytes of a and of b by turns, the lower ones. */
// @ts-ignore: decorator
@inline
export function interleave(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Eight bytes of a and of b by turns, the higher ones. */
// @ts-ignore: decorator
@inline
export function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
