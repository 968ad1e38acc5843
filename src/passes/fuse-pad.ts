// An explicit pad becomes the padding of the window that follows, where both mean the same.
import type { Attributes, Node } from "../graph/types.ts";
import { sameQuant } from "./constants.ts";
import type { Rewriter } from "./rewrite.ts";

type Sides = readonly [top: number, left: number, bottom: number, right: number];

/** pad(x) with zeros above, below, left and right, then conv2d or a pool ⇒ the window with padding. */
export function fusePad(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const pad = graph.producer(node.inputs[0], "pad");
    if (!pad || graph.isOutput(pad.outputs[0]!) || !["conv2d", "average_pool2d", "max_pool2d"].includes(node.op)) continue;
    if (!sameQuant(pad.inputs[0]!.quant, pad.outputs[0]!.quant)) continue;
    const [added, own] = [spatialPads(pad), ownPadding(graph, node)];
    if (!added || !own || !isExact(graph, node, pad, own)) continue;
    const { autoPad: _, ...attributes } = node.attributes;
    const padding = own.map((side, i) => side + added[i]!);
    if (node.op !== "conv2d" && !coversImage(node, padding)) continue;
    graph.update(node, { inputs: node.inputs.with(0, pad.inputs[0]!), attributes: { ...attributes, padding, ...counted(node) } });
  }
}

/** What is added around the image; undefined where the pad does something else too. */
function spatialPads({ inputs, attributes }: Node): Sides | undefined {
  const pads = attributes.pads as readonly number[] | undefined;
  if (inputs.slice(1).some(Boolean) || pads?.length !== 8 || (attributes.mode ?? "constant") !== "constant") return undefined;
  const [n0, top, left, c0, n1, bottom, right, c1] = pads as [number, number, number, number, number, number, number, number];
  return n0 || n1 || c0 || c1 || Math.min(top, left, bottom, right) < 0 ? undefined : [top, left, bottom, right];
}

/** The padding that the window has already, as numbers. */
function ownPadding(graph: Rewriter, node: Node): Sides | undefined {
  const { padding, autoPad, ceilMode } = node.attributes;
  if (ceilMode) return undefined;
  if (autoPad === undefined || autoPad === "valid") return (padding as Sides | undefined) ?? [0, 0, 0, 0];
  const [input, output] = [graph.type(node.inputs[0]!)?.shape, graph.type(node.outputs[0]!)?.shape];
  const kernel = (node.attributes.kernel as readonly number[] | undefined) ?? graph.type(node.inputs[1]!)?.shape.slice(1, 3);
  if (!input || !output || !kernel) return undefined;
  const [vertical, horizontal] = [0, 1].map((i) => {
    const at = (name: string) => (node.attributes[name] as readonly number[] | undefined)?.[i] ?? 1;
    return Math.max(0, (output[i + 1]! - 1) * at("strides") + (kernel[i]! - 1) * at("dilations") + 1 - input[i + 1]!);
  }) as [number, number];
  if (Number.isNaN(vertical + horizontal)) return undefined;
  const first = (total: number) => (autoPad === "same_lower" ? Math.ceil(total / 2) : Math.floor(total / 2));
  return [first(vertical), first(horizontal), vertical - first(vertical), horizontal - first(horizontal)];
}

/** Padding means zeros for convolutions and for averages that count them; for a maximum it means "not there". */
function isExact(graph: Rewriter, node: Node, pad: Node, own: Sides): boolean {
  const value = (pad.attributes.value as number | undefined) ?? 0;
  if (node.op === "max_pool2d") return value === -Infinity || (value === 0 && isNeverNegative(graph, pad));
  if (node.op === "average_pool2d") return value === 0 && (node.attributes.countIncludePad === true || own.every((side) => side === 0));
  return value === 0;
}

/** No window of a pool lies beside the image altogether. */
function coversImage({ attributes }: Node, padding: readonly number[]): boolean {
  const kernel = attributes.kernel as readonly number[];
  const dilations = (attributes.dilations as readonly number[] | undefined) ?? [1, 1];
  return padding.every((side, i) => side <= (kernel[i % 2]! - 1) * dilations[i % 2]!);
}

/** With a minimum of 0, a zero beside the image never wins over what is there. */
function isNeverNegative(graph: Rewriter, pad: Node): boolean {
  const producer = graph.producer(pad.inputs[0]);
  return producer !== undefined && (producer.attributes.min as number | undefined) === 0 && producer.attributes.activation === undefined;
}

const counted = ({ op }: Node): Attributes => (op === "average_pool2d" ? { countIncludePad: true } : {});
