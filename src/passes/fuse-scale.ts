// Multiplications and additions by constants per input channel become part of the weights and the bias of the layer
// after them.
import type { Node, Value } from "../graph/types.ts";
import { type ConstantValue, channelsOf, floatConstant, floatsOf, isConstant } from "./constants.ts";
import { constantOperand } from "./fuse-affine.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

interface Scaled {
  readonly x: Value;
  readonly numbers: Float32Array;
  readonly node: Node;
}

/** conv2d(x · #a) ⇒ conv2d(x) with other weights; conv2d(x + #b) ⇒ conv2d(x) with another bias, where nothing is padded. */
export function fuseScale(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const weight = node.inputs[1];
    if (!isWeighted(graph, node) || !isConstant(weight)) continue;
    const scaled = perChannel(graph, node.inputs[0]!, ["mul", "div"]);
    const shifted = perChannel(graph, node.inputs[0]!, ["add", "sub"]);
    if (scaled) scaleInput(graph, node, weight, scaled);
    else if (shifted && padsNothing(node)) shiftInput(graph, node, weight, shifted);
  }
}

/** x · a + b ⇒ (x + b / a) · a before a layer that pads with zeros: the layer can take the factor, not the term. */
export function factorOut(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!isWeighted(graph, node) || padsNothing(node)) continue;
    const shifted = perChannel(graph, node.inputs[0]!, ["add", "sub"]);
    const scaled = shifted && perChannel(graph, shifted.x, ["mul", "div"]);
    if (!scaled || scaled.numbers.some((a) => Math.abs(a) < 1e-3)) continue;
    const terms = shifted.numbers.map((b, i) => b / scaled.numbers[i]!);
    const sum = graph.make("add", [scaled.x, floatConstant(`${shifted.node.name}/term`, [terms.length], terms)]);
    const factors = floatConstant(`${scaled.node.name}/factor`, [scaled.numbers.length], scaled.numbers);
    graph.update(node, { inputs: node.inputs.with(0, graph.make("mul", [sum, factors])) });
  }
}

/** A float convolution whose weights are its own and stored as float32. */
function isWeighted(graph: Rewriter, node: Node): boolean {
  const weight = node.inputs[1];
  if (node.op !== "conv2d" || !isConstant(weight) || weight.quant || weight.constant.storage !== "float32" || graph.useCount(weight) > 1)
    return false;
  return weight.type.dataType === "float32" && graph.dataType(node.outputs[0]!) === "float32";
}

const padsNothing = ({ attributes }: Node): boolean =>
  attributes.autoPad === undefined || attributes.autoPad === "valid"
    ? ((attributes.padding as readonly number[]) ?? []).every((side) => side === 0)
    : false;

/** The operand of a multiplication or addition by constants per channel that has one reader. */
function perChannel(graph: Rewriter, value: Value, ops: readonly string[]): Scaled | undefined {
  const node = graph.producer(value, ...ops);
  const operands = node && graph.soleUser(value) && isPlain(graph, node) ? constantOperand(node) : undefined;
  const channels = graph.type(value)?.shape.at(-1);
  if (!node || !operands || !channels || !graph.sameShape(operands.x, value)) return undefined;
  const numbers = channelsOf(operands.constant, channels);
  if (!numbers) return undefined;
  const signed = node.op === "sub" ? numbers.map((b) => -b) : node.op === "div" ? numbers.map((a) => 1 / a) : numbers;
  return { x: operands.x, numbers: signed, node };
}

/** The input channel that each weight belongs to: groups of output channels read groups of input channels. */
function inputChannels(weight: ConstantValue, groups: number): (index: number) => number {
  const [outputs, , , width] = weight.type.shape as [number, number, number, number];
  const perOutput = weight.type.shape.slice(1).reduce((a, b) => a * b, 1);
  return (index) => Math.floor(Math.floor(index / perOutput) / (outputs / groups)) * width + (index % width);
}

function scaleInput(graph: Rewriter, node: Node, weight: ConstantValue, { x, numbers }: Scaled): void {
  const channelOf = inputChannels(weight, (node.attributes.groups as number | undefined) ?? 1);
  const floats = floatsOf(weight)!.map((value, i) => value * numbers[channelOf(i)]!);
  graph.update(node, { inputs: [x, floatConstant(weight.name, weight.type.shape, floats), ...node.inputs.slice(2)] });
}

function shiftInput(graph: Rewriter, node: Node, weight: ConstantValue, { x, numbers }: Scaled): void {
  const floats = floatsOf(weight)!;
  const outputs = weight.type.shape[0]!;
  const old = node.inputs[2] ? floatsOf(node.inputs[2]) : new Float32Array(outputs);
  if (!old) return;
  const channelOf = inputChannels(weight, (node.attributes.groups as number | undefined) ?? 1);
  const bias = Float64Array.from(old);
  const perOutput = floats.length / outputs;
  for (const [i, value] of floats.entries()) bias[Math.floor(i / perOutput)]! += value * numbers[channelOf(i)]!;
  const constant = floatConstant(node.inputs[2]?.name ?? `${node.name}/bias`, [outputs], Float32Array.from(bias));
  graph.update(node, { inputs: [x, weight, constant, ...node.inputs.slice(3)] });
}
