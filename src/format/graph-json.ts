// The graph as terse JSON: lists instead of repeated keys, values by number, and nothing that can be inferred.
import { LanewiseError } from "../errors.ts";
import type { Attribute, Attributes, Graph, Node, Quantization, Value } from "../graph/types.ts";
import { defaultNodeName, SPECIAL_NUMBERS } from "./dialect.ts";

/** Quantizations by index, each once; lists of scales go into one pool of float32 numbers. */
export class QuantTable {
  readonly entries: unknown[] = [];
  readonly scales: number[] = [];
  readonly #known = new Map<string, number>();

  /** −1 for none. */
  index(quant: Quantization | undefined): number {
    if (!quant) return -1;
    const key = `${quant.scale.map(Math.fround)};${quant.zeroPoint};${quant.axis}`;
    const found = this.#known.get(key) ?? this.entries.push(this.#entry(quant)) - 1;
    this.#known.set(key, found);
    return found;
  }

  #entry({ scale, zeroPoint, axis }: Quantization): unknown {
    if (scale.length !== 1) for (const one of scale) this.scales.push(one);
    const same = zeroPoint.length > 0 && zeroPoint.every((zero) => zero === zeroPoint[0]);
    return trimmed([scale.length === 1 ? shortestFloat32(scale[0]!) : [scale.length], same ? zeroPoint[0] : zeroPoint, axis ?? null]);
  }
}

/** The number with the fewest digits that is this one as a float32. */
function shortestFloat32(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return Math.fround(value);
}

/** Turns graphs into JSON; constants are numbered first, then all values in the order in which they come to be. */
export class GraphEncoder {
  readonly #indices: Map<Value, number>;
  readonly #quants: QuantTable;
  readonly #nodeNames: boolean;
  #count: number;

  constructor(constants: ReadonlyMap<Value, number>, count: number, quants: QuantTable, nodeNames: boolean) {
    this.#indices = new Map(constants);
    this.#quants = quants;
    this.#nodeNames = nodeNames;
    this.#count = count;
  }

  /** Throws `shape` when the nodes are out of order. */
  encode(graph: Graph): object {
    for (const value of graph.inputs) this.#indices.set(value, this.#count++);
    return {
      inputs: graph.inputs.map((value) => this.#input(value)),
      nodes: graph.nodes.map((node, i) => this.#node(node, i)),
      outputs: graph.outputs.map((value, i) => {
        const name = graph.outputNames?.[i] ?? value.name;
        return [this.#indexOf(value, `output "${name}"`), name];
      }),
    };
  }

  #input({ name, type, quant }: Value): unknown {
    const dims = type?.shape.map((dim) => (Number.isNaN(dim) ? null : dim));
    return trimmed([name, type?.dataType ?? null, dims ?? null, this.#quants.index(quant)], -1);
  }

  /** `[op, inputs, outputs, attributes, name]`; an output is the index of its quantization. */
  #node({ op, name, inputs, outputs, attributes }: Node, index: number): unknown {
    const from = inputs.map((value) => (value ? this.#indexOf(value, `node "${name}" (${op})`) : -1));
    const json = this.#attributes(attributes);
    const to = outputs.map((value) => (value ? this.#quants.index(value.quant) : null));
    for (const value of outputs) if (value) this.#indices.set(value, this.#count++);
    const named = this.#nodeNames && name !== defaultNodeName(op, index);
    return trimmed([op, from, to, json, named ? name : null]);
  }

  #attributes(attributes: Attributes): object | null {
    const entries = Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, this.#attribute(value)] as const],
    );
    return entries.length > 0 ? Object.fromEntries(entries) : null;
  }

  #attribute(value: Attribute): unknown {
    if (typeof value === "number") return numberJson(value);
    if (Array.isArray(value)) return value.map((item: number | string) => (typeof item === "number" ? numberJson(item) : item));
    return typeof value === "object" ? { graph: this.#nested(value as Graph) } : value;
  }

  /** A nested graph sees what is around it; nothing around it sees what it makes. */
  #nested(graph: Graph): object {
    const outside = this.#count;
    const json = this.encode(graph);
    for (const [value, index] of this.#indices) if (index >= outside) this.#indices.delete(value);
    this.#count = outside;
    return json;
  }

  #indexOf(value: Value, user: string): number {
    const index = this.#indices.get(value);
    if (index === undefined) throw new LanewiseError("shape", `${user}: nothing before it makes its value "${value.name}"`);
    return index;
  }
}

/** Graphs among a node's attributes. */
export const nestedGraphs = (attributes: Attributes): Graph[] =>
  Object.values(attributes).filter((value): value is Graph => typeof value === "object" && "nodes" in value);

/** A number, or an object that says which of those that JSON lacks. */
function numberJson(value: number): unknown {
  for (const [name, special] of SPECIAL_NUMBERS) if (Object.is(special, value)) return { number: name };
  return value;
}

/** A list without the nulls, or other default, at its end. */
export function trimmed(list: readonly unknown[], absent: unknown = null): unknown[] {
  const last = list.findLastIndex((item) => item !== null && item !== absent);
  return list.slice(0, last + 1);
}
