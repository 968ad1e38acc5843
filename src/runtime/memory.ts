// One WebAssembly.Memory a model:  | kernel statics | weights | arena | weights of later plans | …
// Arenas of different plans share one stretch, because only one plan runs at a time.
import { LanewiseError } from "../errors.ts";
import type { WeightStore } from "../plan/weights.ts";

const PAGE = 65536;
/** Below this the kernels' own statics lie. */
const FIRST_FREE = 4096;
/** Vector loads may reach this far past the last element. */
const SLACK = 64;

const roundUp = (bytes: number): number => Math.ceil(bytes / 64) * 64;

interface Arena {
  readonly base: number;
  readonly capacity: number;
}

export class ModelMemory {
  readonly wasm: WebAssembly.Memory;
  /** The memory's bytes until it grows, and then others; asking WebAssembly each time would cost as much as a small kernel. */
  #buffer: ArrayBuffer;
  #top = FIRST_FREE;
  #arena: Arena = { base: 0, capacity: 0 };

  constructor() {
    this.wasm = new WebAssembly.Memory({ initial: 1 });
    this.#buffer = this.wasm.buffer;
  }

  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  /** Finds room for the pending weights and an arena, writes the weights, and returns the arena's address. */
  commit(weights: WeightStore, arenaBytes: number): number {
    const weightsBase = this.#top;
    const weightsEnd = weightsBase + roundUp(weights.pendingBytes);
    const arena = this.#arenaFor(roundUp(arenaBytes), weightsEnd);
    const top = Math.max(weightsEnd, arena.base + arena.capacity);
    this.#grow(top + SLACK);
    this.#top = top;
    this.#arena = arena;
    weights.commit(weightsBase, this.buffer);
    return arena.base;
  }

  /** The arena as it is, or longer, or a new one at `free`, which is larger by half so that growing shapes do not add up. */
  #arenaFor(bytes: number, free: number): Arena {
    const { base, capacity } = this.#arena;
    if (bytes <= capacity) return this.#arena;
    if (base + capacity === free) return { base, capacity: bytes };
    return { base: free, capacity: Math.max(bytes, roundUp(1.5 * capacity)) };
  }

  #grow(bytes: number): void {
    const pages = Math.ceil(bytes / PAGE) - this.#buffer.byteLength / PAGE;
    if (pages <= 0) return;
    try {
      this.wasm.grow(pages);
      this.#buffer = this.wasm.buffer;
    } catch (cause) {
      throw new LanewiseError("memory", `the model needs ${Math.ceil(bytes / 2 ** 20)} MiB, and this device does not give that much`, {
        cause,
      });
    }
  }
}
