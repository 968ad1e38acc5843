// Grows a graph node by node. Types are inferred as nodes are added, and elements that follow from constants and known
// shapes are computed, so that importers can ask for ranks, shapes and parameters.
import { LanewiseError } from "../../errors.ts";
import { constantValue } from "../../graph/constant.ts";
import type { Attributes, DataType, Node, TensorType, TypedArray, Value } from "../../graph/types.ts";
import type { HostTensor } from "../../ops/define.ts";
import { ALL_OPS } from "../../ops/index.ts";
import { type OpTable, Typing } from "../../plan/infer.ts";

/** Operators whose output is quantized as their input is. */
const KEEPS_QUANT = new Set([
  "reshape",
  "squeeze",
  "unsqueeze",
  "flatten",
  "transpose",
  "slice",
  "gather",
  "split",
  "tile",
  "expand",
  "max_pool2d",
]);

/** Dequantized weights are not evaluated here: they are larger than what they are made from, and never shapes. */
const EVALUATED: OpTable = Object.fromEntries(
  Object.entries(ALL_OPS).map(([name, op]) => [name, op && name.startsWith("dequantize") ? { ...op, host: undefined } : op]),
);

/** More nodes than this come of functions that call each other, not of a network. */
const MAX_NODES = 1_000_000;

export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly #typing = new Typing(EVALUATED);
  readonly #producers = new Map<Value, Node>();
  readonly #names: Set<string>;

  /** `names` are taken already. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  /** Adds a node; undefined attributes are left out. Throws `shape` and `unsupported` as the operator does. */
  emit(op: string, name: string, inputs: readonly (Value | null)[], attributes: Attributes, outputCount: number): Value[] {
    if (this.nodes.length >= MAX_NODES) throw new LanewiseError("format", `the model has more than ${MAX_NODES} nodes`);
    const outputs = Array.from({ length: outputCount }, (): Value => ({ name: this.freshName(`${name}/${op}`) }));
    const given = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
    const lastInput = inputs.findLastIndex((input) => input !== null);
    const node: Node = { op, name, inputs: inputs.slice(0, lastInput + 1), outputs, attributes: given };
    this.#infer(node);
    this.nodes.push(node);
    for (const value of outputs) this.#producers.set(value, node);
    const quant = inputs[0]?.quant;
    if (quant && quant.axis === undefined && KEEPS_QUANT.has(op)) for (const value of outputs) value.quant = quant;
    return outputs;
  }

  /** Behind an operator whose output types are not known, nothing is inferred. */
  #infer(node: Node): void {
    if (node.inputs.some((value) => value && !this.#typing.type(value))) {
      this.#typing.op(node);
      return;
    }
    try {
      this.#typing.visit(node);
    } catch (error) {
      if (error instanceof RangeError)
        throw new LanewiseError("memory", `node "${node.name}" (${node.op}): ${error.message}`, { cause: error });
      throw error;
    }
  }

  constant(name: string, dataType: DataType, shape: readonly number[], data: TypedArray): Value {
    return constantValue(this.freshName(name), dataType, shape, data);
  }

  /** A name that nothing has yet: the wanted one, or one with a number behind it. */
  freshName(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }

  declare(value: Value, type: TensorType): void {
    this.#typing.setType(value, type);
  }

  type(value: Value): TensorType | undefined {
    return this.#typing.type(value);
  }

  /** The elements of a value where they can be told now. */
  known(value: Value): HostTensor | undefined {
    return this.#typing.isKnown(value) ? this.#typing.known(value) : undefined;
  }

  /** True for operators that move elements about, and whose output is quantized as their input is. */
  movesElements({ op, inputs }: Node): boolean {
    return KEEPS_QUANT.has(op) && inputs.slice(1).every((value) => !value || this.#typing.isKnown(value));
  }

  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }
}
