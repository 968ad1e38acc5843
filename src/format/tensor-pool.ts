// The tensors of a file that is being written: equal bytes are stored once, and a long constant whose elements are all
// the same as a single element.
import { type Constant, type DataType, ELEMENT_BYTES, type TensorType } from "../graph/types.ts";
import { METADATA, type StoredTensor } from "./safetensors.ts";

/** Repeating a shorter constant would save less than saying so costs. */
const MIN_REPEATED_BYTES = 256;

export type PooledTensor = Omit<StoredTensor, "name"> & { readonly wantedName: string };

export class TensorPool {
  readonly #tensors: PooledTensor[] = [];
  readonly #byLength = new Map<string, PooledTensor[]>();

  /** The tensor with a constant's elements; it may have another shape than the constant. */
  add(name: string, { shape }: TensorType, { storage, bytes }: Constant): PooledTensor {
    const repeated = bytes.length >= MIN_REPEATED_BYTES && isRepeated(bytes, ELEMENT_BYTES[storage]);
    const elements = repeated ? bytes.subarray(0, ELEMENT_BYTES[storage]) : bytes;
    const key = `${storage}:${elements.length}`;
    const alike = this.#byLength.get(key) ?? [];
    const found = alike.find((tensor) => equalBytes(tensor.bytes, elements));
    if (found) return found;
    const tensor = { wantedName: name, storage, shape: repeated ? [1] : shape, bytes: elements };
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
