// Quantized activations are int8 inside the engine. Here uint8 steps become int8 steps, 128 lower with a zero point 128
// lower, so that they stand for the same real numbers. What the graph shows to the outside stays uint8.
import type { Constant, Graph, Node, Quantization, Value } from "../graph/types.ts";

const SHIFT = 128;

/** Operators that read or make the numbers themselves, whatever they stand for. */
const ON_NUMBERS = new Set(["recenter", "cast", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bit_shift"]);

type Quantized = Value & { quant: Quantization };

const isBytes = (value: Value | null | undefined): boolean => value?.type?.dataType === "uint8";
const isSteps = (value: Value | null | undefined): value is Quantized => isBytes(value) && value?.quant !== undefined;

/** Operators on numbers, and those with a uint8 operand that is not quantized: it has to stay as it is. */
const readsNumbers = (node: Node): boolean =>
  ON_NUMBERS.has(node.op) || [...node.inputs, ...node.outputs].some((value) => isBytes(value) && !isSteps(value));

/** Makes all quantized uint8 values of a graph int8; `recenter` nodes translate at its ends, and around operators on numbers. Returns the graph. */
export function recenter(graph: Graph): Graph {
  const values = new Set([...graph.inputs, ...graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs])]);
  if (![...values].some(isSteps)) return graph;
  const recentering = new Recentering(graph.inputs);
  for (const node of graph.nodes) recentering.visit(node);
  graph.outputs = graph.outputs.map((value) => (isSteps(value) ? recentering.unsigned(value) : value));
  graph.nodes = recentering.nodes;
  recentering.renameSharedNames(graph);
  return graph;
}

class Recentering {
  readonly nodes: Node[] = [];
  /** For each uint8 value: itself or what takes its place, where a node already makes it as uint8. */
  readonly #unsigned = new Map<Value, Value>();
  /** For each uint8 value: its int8 counterpart, where that is made. */
  readonly #signed = new Map<Value, Value>();

  constructor(inputs: readonly Value[]) {
    for (const value of inputs) this.#unsigned.set(value, value);
  }

  visit(node: Node): void {
    const onNumbers = readsNumbers(node);
    node.inputs = node.inputs.map((value) => (isSteps(value) ? (onNumbers ? this.unsigned(value) : this.signed(value)) : value));
    if (!onNumbers && node.attributes.dataType === "uint8" && node.outputs.some(isSteps))
      node.attributes = { ...node.attributes, dataType: "int8" };
    node.outputs = node.outputs.map((value) => {
      if (!isSteps(value)) return value;
      const made = onNumbers ? value : counterpart(value);
      (onNumbers ? this.#unsigned : this.#signed).set(value, made);
      return made;
    });
    this.nodes.push(node);
  }

  /** The uint8 form of a value, translated here where only its int8 form is made. */
  unsigned(value: Quantized): Value {
    const known = this.#unsigned.get(value) ?? (value.constant && value);
    if (known) return known;
    this.#translate(this.#signed.get(value)!, value, "uint8");
    this.#unsigned.set(value, value);
    return value;
  }

  /** The int8 form of a value, translated here where only its uint8 form is made. */
  signed(value: Quantized): Value {
    const known = this.#signed.get(value);
    if (known) return known;
    const made = counterpart(value);
    if (!value.constant) this.#translate(this.#unsigned.get(value)!, made, "int8");
    this.#signed.set(value, made);
    return made;
  }

  #translate(from: Value, to: Value, dataType: "int8" | "uint8"): void {
    this.nodes.push({ op: "recenter", name: to.name, inputs: [from], outputs: [to], attributes: { dataType } });
  }

  /** An int8 value has the name of its uint8 form, unless the graph has both. */
  renameSharedNames({ inputs, outputs, nodes }: Graph): void {
    const used = new Set<Value | null>([...inputs, ...outputs, ...nodes.flatMap((node) => [...node.inputs, ...node.outputs])]);
    for (const [value, made] of this.#signed) if (used.has(value)) made.name = `${value.name}/int8`;
  }
}

function counterpart({ name, type, quant, constant }: Quantized): Value {
  return {
    name,
    type: type && { ...type, dataType: "int8" },
    quant: { ...quant, zeroPoint: quant.zeroPoint.map((zero) => zero - SHIFT) },
    constant: constant && shifted(constant),
  };
}

/** Taking 128 from a byte flips its highest bit. */
function shifted({ bytes }: Constant): Constant {
  return { storage: "int8", bytes: bytes.map((byte) => byte ^ SHIFT) };
}
