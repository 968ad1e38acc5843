// Constants with many zeros: the other elements one after another, and a mask with a bit for every element, the lowest
// bit of a byte first. An element is zero when all its bytes are.

/** A mask and the tensor's entry in the header take about this, in bytes. */
const MASK_COST = 160;

export interface SparseElements {
  readonly elements: Uint8Array;
  readonly mask: Uint8Array;
}

/** Leaves out zeros; undefined where that does not take less. `width`: bytes of an element. */
export function packSparse(bytes: Uint8Array, width: number): SparseElements | undefined {
  const count = bytes.length / width;
  const mask = new Uint8Array(Math.ceil(count / 8));
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (isZero(bytes, i * width, width)) continue;
    mask[i >> 3]! |= 1 << (i & 7);
    kept++;
  }
  if (kept * width + mask.length + MASK_COST >= bytes.length) return undefined;
  const elements = new Uint8Array(kept * width);
  for (let i = 0, to = 0; i < count; i++) {
    if (!isSet(mask, i)) continue;
    elements.set(bytes.subarray(i * width, (i + 1) * width), to);
    to += width;
  }
  return { elements, mask };
}

/** The bytes of `count` elements. The mask must have `count` bits and as many of them set as there are elements. */
export function unpackSparse({ elements, mask }: SparseElements, count: number, width: number): Uint8Array {
  const bytes = new Uint8Array(count * width);
  for (let i = 0, from = 0; i < count; i++) {
    if (!isSet(mask, i)) continue;
    bytes.set(elements.subarray(from, from + width), i * width);
    from += width;
  }
  return bytes;
}

/** Bits set among the first `count`. */
export function countBits(mask: Uint8Array, count: number): number {
  let bits = 0;
  for (let i = 0; i < count; i++) if (isSet(mask, i)) bits++;
  return bits;
}

const isSet = (mask: Uint8Array, i: number): boolean => (mask[i >> 3]! & (1 << (i & 7))) !== 0;

function isZero(bytes: Uint8Array, at: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (bytes[at + i] !== 0) return false;
  return true;
}
