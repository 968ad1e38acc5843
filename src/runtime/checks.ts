// What callers give to a model, checked before any of it is used. All of these throw "input".
import { LanewiseError, messageOf } from "../errors.ts";
import { printPublicType } from "../graph/print.ts";
import { type Graph, sizeOf, type TensorType, type Value } from "../graph/types.ts";
import { Tensor } from "./tensor.ts";

const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/** Throws for anything but an object: null and strings slip past default values. */
export function checkObject(what: string, found: unknown): void {
  if (typeof found !== "object" || found === null) throw new LanewiseError("input", `${what} must be an object, found ${found}`);
}

/** Throws for a name that no output has. */
export function checkOutputs(wanted: readonly string[] | undefined, names: readonly string[]): void {
  if (wanted !== undefined && !Array.isArray(wanted)) throw new LanewiseError("input", `outputs must be a list of names, found ${wanted}`);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new LanewiseError("input", `there is no output "${unknown}"; the model has ${list(names)}`);
}

/** The input of this name. */
export function findInput(graph: Graph, name: string): Value {
  const value = graph.inputs.find((input) => input.name === name);
  if (!value) {
    const names = list(graph.inputs.map((input) => input.name));
    throw new LanewiseError("input", `there is no input "${name}"; the model has ${names || "no inputs"}`);
  }
  return value;
}

const isSize = (dim: number): boolean => Number.isNaN(dim) || (Number.isInteger(dim) && dim >= 0);

/** A type that fits an input: the same data type, and its dimensions wherever they are not open. */
export function checkType(name: string, value: Value, found: TensorType): TensorType {
  const expected = value.type!;
  if (!found || !Array.isArray(found.shape))
    throw new LanewiseError("input", `input "${name}": expected a Tensor of ${printPublicType(expected)}`);
  const fits =
    found.dataType === expected.dataType &&
    found.shape.length === expected.shape.length &&
    found.shape.every((dim, i) => dim === expected.shape[i] || (Number.isNaN(expected.shape[i]) && isSize(dim)));
  if (!fits) throw new LanewiseError("input", `input "${name}": expected ${printPublicType(expected)}, got ${printPublicType(found)}`);
  return found;
}

/** A tensor, or a plain object with its properties. Its buffer may have gone to a worker, or changed its size, since it was made. */
export function asTensor(name: string, tensor: Tensor): Tensor {
  const { dataType, shape, data } = tensor;
  try {
    if (tensor instanceof Tensor && data.length === sizeOf(shape)) return tensor;
    return new Tensor(dataType, shape, data);
  } catch (cause) {
    throw new LanewiseError("input", `input "${name}": ${messageOf(cause)}`, { cause });
  }
}
