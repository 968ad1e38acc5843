// Tells packings apart whose owner alone does not: weights that are shared, packed with terms that are not.

/** 32 bits of FNV-1a over the words of an array whose bytes are a multiple of four. */
export function hashOf({ buffer, byteOffset, byteLength }: ArrayBufferView): number {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(buffer, byteOffset, byteLength >> 2)) hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
  return hash;
}
