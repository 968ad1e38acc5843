// The tensors of a file that is being written: equal bytes are stored once, and a long constant whose elements are all
// the same as a single element.
import { type Constant, type DataType, ELEMENT_BYTES, type TensorType } from "../graph/types.ts";
import { METADATA, type StoredTensor } from "./safetensors.ts";
import { packSparse } from "./sparse.ts";

/** Repeating a shorter constant would save less than saying so costs. */
const MIN_REPEATED_BYTES = 256;

export interface PooledTensor extends Omit<StoredTensor, "name"> {
  readonly id: number;
  readonly wantedName: string;
}

/** A constant's elements: all of them, one that is repeated, or with a mask those that are not zero. */
export interface PooledConstant {
  readonly tensor: PooledTensor;
  readonly mask?: PooledTensor;
}

export class TensorPool {
  readonly #sparse: boolean;
  readonly #tensors: PooledTensor[] = [];
  readonly #byLength = new Map<string, PooledTensor[]>();

  /** `sparse`: leave zeros out where a mask takes less. */
  constructor(sparse: boolean) {
    this.#sparse = sparse;
  }

  addConstant(name: string, { shape }: TensorType, { storage, bytes }: Constant): PooledConstant {
    const width = ELEMENT_BYTES[storage];
    if (bytes.length >= MIN_REPEATED_BYTES && isRepeated(bytes, width))
      return { tensor: this.add(name, [1], storage, bytes.subarray(0, width)) };
    const packed = this.#sparse ? packSparse(bytes, width) : undefined;
    if (!packed) return { tensor: this.add(name, shape, storage, bytes) };
    const tensor = this.add(name, [packed.elements.length / width], storage, packed.elements);
    return { tensor, mask: this.add(`${name}.mask`, [packed.mask.length], "uint8", packed.mask) };
  }

  /** The tensor with these elements; it may have another shape. */
  add(wantedName: string, shape: readonly number[], storage: DataType, bytes: Uint8Array): PooledTensor {
    const key = `${storage}:${bytes.length}`;
    const alike = this.#byLength.get(key) ?? [];
    const found = alike.find((tensor) => equalBytes(tensor.bytes, bytes));
    if (found) return found;
    const tensor = { id: this.#tensors.length, wantedName, storage, shape, bytes };
    this.#byLength.set(key, [...alike, tensor]);
    this.#tensors.push(tensor);
    return tensor;
  }

  /** Every tensor in the order of the file, with its name there: widest elements first, so that all are aligned. */
  named(short: boolean): Map<PooledTensor, StoredTensor> {
    const taken = new Set([METADATA]);
    const ordered = this.#tensors.toSorted((a, b) => width(b.storage) - width(a.storage));
    return new Map(
      ordered.map((tensor, i) => [tensor, { ...tensor, name: uniqueName(short ? i.toString(36) : tensor.wantedName, taken) }]),
    );
  }
}

const width = (storage: DataType): number => ELEMENT_BYTES[storage];

function uniqueName(wanted: string, taken: Set<string>): string {
  const base = wanted || "tensor";
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
  taken.add(name);
  return name;
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => a === b || a.every((byte, i) => byte === b[i]);
const isRepeated = (bytes: Uint8Array, step: number): boolean => bytes.every((byte, i) => i < step || byte === bytes[i - step]);
