// The weights of a model as packed for its kernels. Each packing is made once, whatever number of plans use it.
import type { DataViewOf } from "../ops/define.ts";
import { Block } from "./block.ts";

interface Packing {
  readonly block: Block;
  readonly forget: () => void;
  readonly fill: (target: DataViewOf) => void;
}

/** Bytes between two packings are a multiple of this: a cache line. */
const ALIGNMENT = 64;

export class WeightStore {
  readonly #byOwner = new WeakMap<object, Map<string, Block>>();
  #pending: Packing[] = [];
  /** Bytes of all packings so far, each rounded up to a cache line. */
  bytes = 0;
  /** The part of them that Winograd's and Strassen's algorithms take: their weights are larger than the model's own. */
  transformedBytes = 0;

  /** The block that holds packing `key` of `owner`; `fill` writes it when memory for it has been found. */
  reserve(owner: object, key: string, bytes: number, fill: (target: DataViewOf) => void): Block {
    let packings = this.#byOwner.get(owner);
    if (!packings) this.#byOwner.set(owner, (packings = new Map()));
    const found = packings.get(key);
    if (found) return found;
    const block = new Block(key, bytes);
    packings.set(key, block);
    this.#pending.push({ block, fill, forget: () => packings.delete(key) });
    this.#count(block, 1);
    return block;
  }

  #count({ name, bytes }: Block, sign: 1 | -1): void {
    this.bytes += sign * roundUp(bytes);
    if (/\b(winograd|strassen)\b/.test(name)) this.transformedBytes += sign * roundUp(bytes);
  }

  /** Bytes that `commit` will ask for. */
  get pendingBytes(): number {
    return this.#pending.reduce((sum, { block }) => sum + roundUp(block.bytes), 0);
  }

  /** Gives the new packings their addresses from `base` on, and writes them into `buffer` unless there is none. */
  commit(base: number, buffer: ArrayBufferLike | undefined): void {
    let address = base;
    for (const { block, fill } of this.#pending) {
      block.address = address;
      if (buffer) fill(viewsOf(buffer, address, block.bytes));
      address += roundUp(block.bytes);
    }
    this.#pending = [];
  }

  /** Forgets the packings that have no memory yet, after a plan failed. */
  rollback(): void {
    for (const { block, forget } of this.#pending) {
      this.#count(block, -1);
      forget();
    }
    this.#pending = [];
  }
}

const roundUp = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function viewsOf(buffer: ArrayBufferLike, address: number, bytes: number): DataViewOf {
  const at = buffer as ArrayBuffer;
  return {
    f32: new Float32Array(at, address, bytes >> 2),
    i32: new Int32Array(at, address, bytes >> 2),
    i16: new Int16Array(at, address, bytes >> 1),
    i8: new Int8Array(at, address, bytes),
    u8: new Uint8Array(at, address, bytes),
  };
}
