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

/** y = x with the highest bit of every byte turned over. */
export function flipSign(y: usize, x: usize, bytes: usize): void {
  const end = y + bytes;
  for (const last = end - (bytes & 15); y < last; y += 16, x += 16) v128.store(y, v128.xor(v128.load(x), i8x16.splat(-128)));
  for (; y < end; y++, x++) store<u8>(y, load<u8>(x) ^ 128);
}
