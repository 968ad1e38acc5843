// Attributes of ONNX nodes: an operator states which it has, of what type and with which default, and gets them checked.
import { LanewiseError } from "../../errors.ts";
import type { AttributeProto, GraphProto, TensorProto } from "./proto.ts";

/** Reads one attribute; given undefined where the node has none of that name. */
type AttributeType<T> = (attribute: AttributeProto | undefined, name: string) => T;

/** The attributes of an operator. */
export type Schema = { readonly [name: string]: AttributeType<unknown> };
export type AttributesOf<S extends Schema> = { readonly [N in keyof S]: ReturnType<S[N]> };

const TYPE_NAMES = ["undefined", "a float", "an integer", "a string", "a tensor", "a graph", "floats", "integers", "strings"];

/** An attribute type by its code in ONNX. Files older than type codes have 0 there. */
function attributeType<T>(code: number, read: (attribute: AttributeProto) => T) {
  function withDefault(): AttributeType<T | undefined>;
  function withDefault(fallback: T): AttributeType<T>;
  function withDefault(fallback?: T): AttributeType<T | undefined> {
    return (attribute, name) => {
      if (!attribute) return fallback;
      if (attribute.type === code || attribute.type === 0) return read(attribute);
      const found = TYPE_NAMES[attribute.type] ?? `type ${attribute.type}`;
      throw new LanewiseError("format", `attribute "${name}" must be ${TYPE_NAMES[code]}, found ${found}`);
    };
  }
  return withDefault;
}

export const float = attributeType(1, ({ float }) => float);
export const int = attributeType(2, ({ integer }) => integer);
export const text = attributeType(3, ({ string }) => new TextDecoder().decode(string));
export const floats = attributeType<readonly number[]>(6, ({ floats }) => floats);
export const ints = attributeType<readonly number[]>(7, ({ integers }) => integers);
export const texts = attributeType<readonly string[]>(8, ({ strings }) => strings);
export const tensor = attributeType<TensorProto | undefined>(4, ({ tensor }) => tensor);
export const graph = attributeType<GraphProto | undefined>(5, ({ graph }) => graph);

/** A flag, which ONNX writes as an integer. */
export const flag =
  (fallback: boolean): AttributeType<boolean> =>
  (attribute, name) =>
    int(fallback ? 1 : 0)(attribute, name) !== 0;

/** The attributes of a node. Throws `format` for one of another type; attributes that the schema has not are ignored. */
export function readAttributes<S extends Schema>(schema: S, attributes: readonly AttributeProto[]): AttributesOf<S> {
  const read = Object.entries(schema).map(([name, type]) => [
    name,
    type(
      attributes.find((attribute) => attribute.name === name),
      name,
    ),
  ]);
  return Object.fromEntries(read) as AttributesOf<S>;
}
