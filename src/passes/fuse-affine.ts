// Multiplications and additions by constants per output channel (batch normalization, above all) become part of the
// weights and the bias of the layer before them.
import type { Node, Value } from "../graph/types.ts";
import { channelsOf, floatConstant, floatsOf, isConstant } from "./constants.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

const LAYERS = ["conv2d", "conv_transpose2d", "matmul"] as const;

/** layer → mul, add, sub or div by a constant per channel ⇒ layer with other weights and bias. */
export function fuseAffine(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const operands = constantOperand(node);
    const layer = operands && plainLayer(graph, operands.x, LAYERS);
    const channels = operands && graph.type(operands.x)?.shape.at(-1);
    const factors = channels && channelsOf(operands.constant, channels);
    if (!layer || !factors || !isPlain(graph, node) || !graph.sameShape(operands.x, node.outputs[0]!)) continue;
    const isFused =
      node.op === "add" || node.op === "sub" ? addToBias(graph, layer, factors, node) : scaleLayer(graph, layer, factors, node);
    if (isFused) graph.replaceNode(node, layer.outputs[0]!);
  }
}

/** The operands of add, mul (either order), sub and div (constant last). */
export function constantOperand({ op, inputs: [a, b] }: Node): { x: Value; constant: Value } | undefined {
  if (!a || !b) return undefined;
  if (["add", "mul", "sub", "div"].includes(op) && isConstant(b)) return { x: a, constant: b };
  return ["add", "mul"].includes(op) && isConstant(a) ? { x: b, constant: a } : undefined;
}

/** The float layer that makes a value for one reader, when nothing is fused to it yet. */
export function plainLayer(graph: Rewriter, value: Value, ops: readonly string[]): Node | undefined {
  const layer = graph.producer(value, ...ops);
  return layer && graph.soleUser(value) && isPlain(graph, layer) && !layer.inputs[3] ? layer : undefined;
}

function addToBias(graph: Rewriter, layer: Node, terms: Float32Array, { op, name }: Node): boolean {
  const old = layer.inputs[2] ? floatsOf(layer.inputs[2]) : new Float32Array(terms.length);
  if (!old) return false;
  const bias = old.map((value, i) => (op === "sub" ? value - terms[i]! : value + terms[i]!));
  graph.update(layer, {
    inputs: [layer.inputs[0]!, layer.inputs[1]!, floatConstant(layer.inputs[2]?.name ?? `${name}/bias`, [bias.length], bias)],
  });
  return true;
}

/** Weights that are shared, or stored narrower than they would be afterwards, stay as they are. */
function scaleLayer(graph: Rewriter, layer: Node, numbers: Float32Array, { op }: Node): boolean {
  const [x, weight, bias] = layer.inputs;
  const floats = floatsOf(weight);
  const oldBias = bias ? floatsOf(bias) : undefined;
  if (!floats || !isConstant(weight) || weight.constant.storage !== "float32" || graph.useCount(weight) > 1 || (bias && !oldBias))
    return false;
  const factors = op === "div" ? numbers.map((value) => 1 / value) : numbers;
  const isLastAxis = layer.op === "matmul" && layer.attributes.transposeB !== true;
  const channels = factors.length;
  if (weight.type.shape.at(isLastAxis ? -1 : 0) !== channels || (layer.op === "matmul" && weight.type.shape.length !== 2)) return false;
  const perChannel = floats.length / channels;
  const scaled = floats.map((value, i) => value * factors[isLastAxis ? i % channels : Math.floor(i / perChannel)]!);
  const inputs = [x!, floatConstant(weight.name, weight.type.shape, scaled)];
  if (bias && oldBias)
    inputs.push(
      floatConstant(
        bias.name,
        bias.type!.shape,
        oldBias.map((value, i) => value * factors[i]!),
      ),
    );
  graph.update(layer, { inputs });
  return true;
}
