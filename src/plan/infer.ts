// Types of every value of a graph, and the elements of those that can be told before a run:
// constants, shape arithmetic, and whatever is computed from them alone.
import { LanewiseError } from "../errors.ts";
import { constantElements } from "../graph/constant.ts";
import { arrayOf, type Constant, type Graph, isStatic, type Node, sizeOf, type TensorType, type Value } from "../graph/types.ts";
import { AttributeReader, atNode, type HostTensor, type InferContext, type OpDef } from "../ops/define.ts";

/** Operators by name. */
export type OpTable = { readonly [name: string]: OpDef | undefined };

/** Never allocate more than this from a shape that only the model's bytes vouch for. */
const MAX_TENSOR_BYTES = 2 ** 31;

/** Results of more elements are left to the run: few bytes of a file must not fill the memory while it is read. */
const MAX_EVALUATED = 2 ** 26;

/** What is known of a graph's values for given input types. */
export class Typing {
  readonly #ops: OpTable;
  readonly #types = new Map<Value, TensorType>();
  readonly #known = new Map<Value, HostTensor>();
  readonly #wanted = new Map<Node, Set<Value>>();

  constructor(ops: OpTable) {
    this.#ops = ops;
  }

  type(value: Value): TensorType | undefined {
    return this.#types.get(value) ?? (value.constant ? value.type : undefined);
  }

  /** The type of a value, every dimension a number. Throws `shape`. */
  staticType(value: Value): TensorType {
    const type = this.type(value);
    if (!type || !isStatic(type.shape)) throw new LanewiseError("shape", `the shape of "${value.name}" is not known before the run`);
    return type;
  }

  known(value: Value): HostTensor | undefined {
    const known = this.#known.get(value);
    if (known || !value.constant || !value.type) return known;
    const tensor = { ...value.type, data: constantElements(value as Value & { constant: Constant }) };
    this.#known.set(value, tensor);
    return tensor;
  }

  /** True when the elements are known without being read: constants are not decoded. */
  isKnown(value: Value): boolean {
    return value.constant !== undefined || this.#known.has(value);
  }

  /** Keeps the types and lets go of all elements, constants' included. */
  forgetElements(): void {
    for (const [value, { dataType, shape }] of this.#known) this.#types.set(value, { dataType, shape });
    this.#known.clear();
  }

  /** Inputs of a node whose elements its type rule asked for in vain. */
  wanted(node: Node): Value[] {
    return [...(this.#wanted.get(node) ?? [])];
  }

  setType(value: Value, type: TensorType): void {
    this.#types.set(value, type);
  }

  setKnown(value: Value, tensor: HostTensor): void {
    this.#types.set(value, { dataType: tensor.dataType, shape: tensor.shape });
    this.#known.set(value, tensor);
  }

  /** The operator of a node. Throws `unsupported`. */
  op(node: Node): OpDef {
    const op = Object.hasOwn(this.#ops, node.op) ? this.#ops[node.op] : undefined;
    if (!op) throw new LanewiseError("unsupported", `node "${node.name}": there is no operator "${node.op}"`);
    return op;
  }

  /** Infers one node's outputs, and their elements where the inputs' are known. */
  visit(node: Node): void {
    const op = this.op(node);
    const inputs = node.inputs.map((value) => (value ? this.type(value) : undefined));
    atNode(node, inputs, () => {
      const known = op.fromTypes?.(this.#context(node, inputs)) ?? this.#evaluate(node, op);
      if (known) {
        for (const [i, value] of node.outputs.entries()) if (value) this.setKnown(value, known[i]!);
        return;
      }
      const types = op.infer(this.#context(node, inputs));
      for (const [i, value] of node.outputs.entries()) {
        if (!value) continue;
        const type = types[i];
        if (!type) throw new LanewiseError("shape", `has ${node.outputs.length} outputs, expected at most ${types.length}`);
        for (const dim of type.shape)
          if (!Number.isNaN(dim) && !(dim >= 0 && Number.isInteger(dim)))
            throw new LanewiseError("shape", `output ${i} has a dimension of ${dim}`);
        if (sizeOf(type.shape) > MAX_TENSOR_BYTES) throw new LanewiseError("memory", `output ${i} has ${sizeOf(type.shape)} elements`);
        this.setType(value, type);
      }
    });
  }

  #context(node: Node, inputs: readonly (TensorType | undefined)[]): InferContext {
    return {
      attributes: new AttributeReader(node.attributes),
      inputs,
      outputCount: node.outputs.length,
      input: (index) => required(inputs[index], index),
      known: (index) => {
        const value = node.inputs[index];
        const tensor = value ? this.known(value) : undefined;
        if (value && !tensor) this.#want(node, value);
        return tensor ? Array.from(tensor.data as ArrayLike<number | bigint>, Number) : undefined;
      },
    };
  }

  #want(node: Node, value: Value): void {
    const wanted = this.#wanted.get(node) ?? new Set();
    this.#wanted.set(node, wanted.add(value));
  }

  /** Runs a host operator whose inputs are all known. */
  #evaluate(node: Node, op: OpDef): HostTensor[] | undefined {
    if (!op.host || !node.inputs.every((value) => !value || this.isKnown(value))) return undefined;
    const inputs = node.inputs.map((value) => (value ? this.known(value)! : undefined));
    return runHost(node, op, inputs, () => op.infer(this.#context(node, inputs)));
  }
}

/** Runs an operator's host function on tensors and returns its outputs. */
export function runHost(
  node: Node,
  op: OpDef,
  inputs: readonly (HostTensor | undefined)[],
  infer: () => readonly TensorType[],
): HostTensor[] | undefined {
  const types = op.dynamic ? [] : infer();
  const isSmall = ({ shape }: TensorType) => shape.every((dim) => Number.isInteger(dim) && dim >= 0) && sizeOf(shape) <= MAX_EVALUATED;
  if (!types.every(isSmall)) return undefined;
  const outputs = types.map((type) => ({ ...type, data: arrayOf(type.dataType, sizeOf(type.shape)) }));
  const returned = op.host!({
    attributes: new AttributeReader(node.attributes),
    inputs,
    outputs,
    inputQuants: node.inputs.map((value) => value?.quant),
    outputQuants: node.outputs.map((value) => value?.quant),
    input: (index) => required(inputs[index], index),
  });
  return returned ?? outputs;
}

/** The input at `index`. Throws `shape` when it is absent. */
export function required<T>(input: T | undefined, index: number): T {
  if (input === undefined) throw new LanewiseError("shape", `input ${index} is missing`);
  return input;
}

/**
 * Infers a whole graph. `inputTypes` replaces the declared types of graph inputs; `seeds` are elements
 * of inputs that are already known.
 */
export function inferGraph(
  graph: Graph,
  ops: OpTable,
  inputTypes: ReadonlyMap<Value, TensorType> = new Map(),
  seeds: ReadonlyMap<Value, HostTensor> = new Map(),
): Typing {
  const typing = new Typing(ops);
  for (const value of graph.inputs) {
    const type = inputTypes.get(value) ?? value.type;
    if (type) typing.setType(value, type);
  }
  for (const [value, tensor] of seeds) typing.setKnown(value, tensor);
  for (const node of graph.nodes) {
    if (node.inputs.some((value) => value && !typing.type(value))) continue; // behind a data-dependent operator
    typing.visit(node);
  }
  return typing;
}
