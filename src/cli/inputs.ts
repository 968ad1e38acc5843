// Input tensors from files (.npy, pictures, raw bytes) or, for measuring, made up.
import { LanewiseError, messageOf } from "../errors.ts";
import { arrayOf, ELEMENT_BYTES, sizeOf, type TypedArray, viewOf } from "../graph/types.ts";
import { type Model, Tensor, type TensorInfo } from "../index.ts";
import { readFile } from "./files.ts";
import { type ImageOptions, isImage, readImage } from "./image.ts";
import { convertTensor, isNpy, readNpy } from "./npy.ts";

/** Shapes by input name, for inputs with open dimensions. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** 0.5 as float16. */
const HALF = 0x3800;

/** Splits `NAME=VALUE`; the name may be left out where the model has a single input. Throws `input`. */
function splitSpec(spec: string, names: readonly string[]): { name: string; value: string } {
  const name = names.filter((candidate) => spec.startsWith(`${candidate}=`)).sort((a, b) => b.length - a.length)[0];
  if (name !== undefined) return { name, value: spec.slice(name.length + 1) };
  if (names.length === 1 && !spec.includes("=")) return { name: names[0]!, value: spec };
  throw new LanewiseError(
    "input",
    `"${spec}" is not NAME=…; the model's inputs are ${names.map((known) => `"${known}"`).join(", ") || "none"}`,
  );
}

/** `NAME=1,3,224,224` for each. Throws `input`. */
export function readShapes(specs: readonly string[], names: readonly string[]): Shapes {
  const entries = specs.map((spec): [string, number[]] => {
    const { name, value } = splitSpec(spec, names);
    const shape = value.split(/[,x]/).map(Number);
    if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0))
      throw new LanewiseError("input", `"${value}" is not a shape such as 1,3,224,224`);
    return [name, shape];
  });
  return Object.fromEntries(entries);
}

/** The tensors for `NAME=FILE` specs. Throws `input`. */
export async function readInputs(
  model: Model,
  specs: readonly string[],
  shapes: Shapes,
  options: ImageOptions,
): Promise<Record<string, Tensor>> {
  const names = Object.keys(model.inputs);
  const entries: [string, Tensor][] = [];
  for (const spec of specs) {
    const { name, value } = splitSpec(spec, names);
    const declared = model.inputs[name]!;
    const info = { dataType: declared.dataType, shape: shapes[name] ?? declared.shape };
    const bytes = await readFile(value);
    try {
      entries.push([name, tensorFrom(bytes, info, options)]);
    } catch (cause) {
      throw new LanewiseError("input", `input "${name}" from ${value}: ${messageOf(cause)}`, { cause });
    }
  }
  return Object.fromEntries(entries);
}

function tensorFrom(bytes: Uint8Array, info: TensorInfo, options: ImageOptions): Tensor {
  if (isImage(bytes)) return readImage(bytes, info, options);
  if (isNpy(bytes)) return convertTensor(readNpy(bytes), info.dataType);
  const shape = closeShape(info, bytes.length);
  return new Tensor(info.dataType, shape, viewOf(info.dataType, new Uint8Array(bytes).buffer, 0, sizeOf(shape)));
}

/** The shape of raw bytes; one open dimension follows from their number, beside an open batch, which is 1. */
function closeShape({ dataType, shape }: TensorInfo, bytes: number): readonly number[] {
  const countOpen = (dims: readonly (number | null)[]) => dims.filter((dim) => dim === null).length;
  const dims = countOpen(shape) > 1 ? [shape[0] ?? 1, ...shape.slice(1)] : shape;
  const rest = sizeOf(dims.map((dim) => dim ?? 1)) * ELEMENT_BYTES[dataType];
  const closed = dims.map((dim) => dim ?? bytes / rest);
  const isWhole = closed.every(Number.isInteger) && sizeOf(closed) * ELEMENT_BYTES[dataType] === bytes;
  if (countOpen(dims) <= 1 && isWhole) return closed;
  const expected = `${dataType}[${shape.map((dim) => dim ?? "?")}]`;
  throw new LanewiseError(
    "input",
    `${bytes} raw bytes do not make ${expected}${countOpen(dims) > 1 ? "; say the shape with --shape" : ""}`,
  );
}

/** Made-up inputs, the same every time: floats from 0 to 1, all values of narrow integers, ones for wide. */
export function madeUpInputs(model: Model, shapes: Shapes): Record<string, Tensor> {
  const entries = Object.entries(model.inputs).map(([name, { dataType }]): [string, Tensor] => {
    const shape = shapes[name]!;
    return [name, new Tensor(dataType, shape, madeUpData(dataType, sizeOf(shape)))];
  });
  return Object.fromEntries(entries);
}

function madeUpData(dataType: TensorInfo["dataType"], length: number): TypedArray {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  if (dataType === "int64" || dataType === "uint64") return (arrayOf(dataType, length) as BigInt64Array).fill(1n);
  const data = arrayOf(dataType, length) as Float32Array;
  if (dataType === "float32" || dataType === "float64") return data.map(() => next() / 2 ** 32);
  if (dataType === "int8" || dataType === "uint8") return data.map(() => next() >>> 24);
  return dataType === "float16" ? data.fill(HALF) : data.fill(1);
}
