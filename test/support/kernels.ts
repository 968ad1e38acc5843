// Kernels alone, without graph or plan: one instance a tier on a memory of its own,
// with a bump allocator, for tests that compare a kernel with a naive reference.
import { readFileSync } from "node:fs";
import type { KernelExports } from "../../src/runtime/kernel-exports.d.ts";

export type TierName = "simd128" | "relaxed";
export const TIERS: readonly TierName[] = ["simd128", "relaxed"];

type Elements = Float32Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array;

export class KernelBench {
  readonly kernels: KernelExports;
  readonly memory: WebAssembly.Memory;
  #top = 65536;

  constructor(tier: TierName, bytes = 64 << 20) {
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + 1 });
    const folder = process.env.LANEWISE_KERNELS ?? new URL("../../dist/", import.meta.url).pathname;
    const module = new WebAssembly.Module(readFileSync(`${folder}/${tier}.wasm`));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.kernels = instance.exports as unknown as KernelExports;
  }

  /** Reserves `bytes` bytes, 64-aligned, followed by a guard gap filled with 0xA5 that `checkGuards` verifies. */
  alloc(bytes: number): number {
    const pointer = this.#top;
    this.#top = (pointer + bytes + 64 + 63) & ~63;
    new Uint8Array(this.memory.buffer).fill(0xa5, pointer + bytes, this.#top);
    this.#guards.push([pointer + bytes, this.#top]);
    return pointer;
  }
  readonly #guards: [number, number][] = [];

  /** Copies an array into the memory and returns its pointer. */
  put(data: Elements): number {
    const pointer = this.alloc(data.byteLength);
    new Uint8Array(this.memory.buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), pointer);
    return pointer;
  }

  f32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }
  i8(pointer: number, length: number): Int8Array {
    return new Int8Array(this.memory.buffer, pointer, length);
  }
  u8(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }
  i32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, length);
  }

  /** Throws when a kernel wrote past the end of a reserved block. */
  checkGuards(): void {
    const bytes = new Uint8Array(this.memory.buffer);
    for (const [from, to] of this.#guards)
      for (let i = from; i < to; i++)
        if (bytes[i] !== 0xa5) throw new Error(`a kernel wrote outside its block, ${i - from} bytes past the end`);
  }

  /** Forgets every block. */
  reset(): void {
    this.#top = 65536;
    this.#guards.length = 0;
  }
}
