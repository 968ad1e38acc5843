// Activations and bounds become part of the operator before them.
import type { Attributes, Node } from "../graph/types.ts";
import { sameQuant } from "./constants.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

const LAYERS = ["conv2d", "conv_transpose2d", "matmul"];
const BINARY = ["add", "sub", "mul", "div", "pow", "max", "min", "squared_difference"];
const POOLS = ["max_pool2d", "average_pool2d"];

/** Unary operators with a form in the epilogues of kernels, and the attributes that come along. */
const ACTIVATIONS: { readonly [op: string]: readonly string[] } = {
  leaky_relu: ["alpha"],
  thresholded_relu: ["alpha"],
  sigmoid: [],
  tanh: [],
  hard_sigmoid: ["alpha", "beta"],
  hard_swish: [],
  swish: ["alpha"],
  gelu: ["approximate"],
  elu: ["alpha"],
  softplus: [],
  softsign: [],
  mish: [],
  exp: [],
  log: [],
  sqrt: [],
  rsqrt: [],
  reciprocal: [],
  neg: [],
  abs: [],
  square: [],
  erf: [],
};

/** clamp ∘ clamp → clamp; layer, binary or pool, then clamp ⇒ the operator with min and max. */
export function fuseClamp(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const x = node.inputs[0]!;
    const producer = node.op === "clamp" ? graph.producer(x, "clamp", ...LAYERS, ...BINARY, ...POOLS) : undefined;
    if (!producer || !graph.soleUser(x) || !sameQuant(x.quant, node.outputs[0]!.quant)) continue;
    if (graph.dataType(x) !== "float32" && producer.op !== "clamp") continue;
    graph.update(producer, { attributes: { ...producer.attributes, ...intersect(producer.attributes, node.attributes) } });
    graph.replaceNode(node, x);
  }
}

/** The bounds of a clamp after another: its bounds, and the first one's clamped to them. */
function intersect(first: Attributes, second: Attributes): Attributes {
  const [low, high] = [second.min ?? -Infinity, second.max ?? Infinity] as [number, number];
  const within = (bound: number) => Math.min(Math.max(bound, low), high);
  const [min, max] = [within((first.min as number) ?? -Infinity), within((first.max as number) ?? Infinity)];
  return { ...(min > -Infinity && { min }), ...(max < Infinity && { max }) };
}

/** layer or binary, then activation ⇒ the operator with `activation`. */
export function fuseActivation(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const carried = Object.hasOwn(ACTIVATIONS, node.op) && ACTIVATIONS[node.op];
    const producer = carried ? graph.producer(node.inputs[0], ...LAYERS, ...BINARY) : undefined;
    if (!carried || !producer || !graph.soleUser(node.inputs[0]!) || !isPlain(graph, producer) || !isPlain(graph, node)) continue;
    graph.update(producer, { attributes: { ...producer.attributes, activation: node.op, ...pick(node, carried) } });
    graph.replaceNode(node, node.inputs[0]!);
  }
}

function pick({ attributes }: Node, names: readonly string[]): Attributes {
  return Object.fromEntries(names.filter((name) => attributes[name] !== undefined).map((name) => [name, attributes[name]]));
}
