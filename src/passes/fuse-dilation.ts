// Dilated convolutions as TensorFlow writes them: the image is cut into phases that lie in the batch, convolved, and
// put together again (space_to_batch and batch_to_space, which importers write as reshapes and transposes).
import type { Node, Value } from "../graph/types.ts";
import { sameQuant } from "./constants.ts";
import { permOf } from "./merge-views.ts";
import type { Rewriter } from "./rewrite.ts";

const TO_BATCH = "2,4,0,1,3,5";
const TO_SPACE = "2,3,0,4,1,5";

/** space_to_batch → conv2d → batch_to_space ⇒ conv2d {dilations}. */
export function fuseDilation(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const { strides = [1, 1], dilations = [1, 1], padding = [0, 0, 0, 0], autoPad = "valid" } = node.attributes;
    if (node.op !== "conv2d" || `${strides}|${dilations}|${padding}|${autoPad}` !== "1,1|1,1|0,0,0,0|valid") continue;
    const phases = phasesBefore(graph, node.inputs[0]!);
    const joined = phases && phasesAfter(graph, node.outputs[0]!, phases.block);
    if (!joined) continue;
    const { autoPad: _, ...attributes } = node.attributes;
    const inputs = node.inputs.with(0, phases.x);
    const dilated = graph.make("conv2d", inputs, { ...attributes, dilations: phases.block }, { name: joined.name, quant: joined.quant });
    graph.replaceValue(joined, dilated);
  }
}

const shapeOf = (graph: Rewriter, value: Value): readonly number[] => graph.type(value)?.shape ?? [];

/** The image [N, H, W, C] whose phases a value holds as [bh · bw · N, H / bh, W / bw, C]. */
function phasesBefore(graph: Rewriter, value: Value): { x: Value; block: readonly [number, number] } | undefined {
  const turn = chain(graph, value, TO_BATCH);
  if (!turn) return undefined;
  const [, , bh, , bw] = shapeOf(graph, turn.split) as [number, number, number, number, number];
  const [n, h, w, c] = shapeOf(graph, turn.x) as [number, number, number, number];
  const isSplit = String(shapeOf(graph, turn.split)) === String([n, h / bh, bh, w / bw, bw, c]);
  const isJoined = String(shapeOf(graph, value)) === String([bh * bw * n, h / bh, w / bw, c]);
  return isSplit && isJoined ? { x: turn.x, block: [bh, bw] } : undefined;
}

/** reshape → transpose → reshape before a value. */
function chain(graph: Rewriter, value: Value, perm: string): { x: Value; split: Value } | undefined {
  const transpose = graph.producer(graph.producer(value, "reshape")?.inputs[0], "transpose");
  const split = graph.producer(transpose?.inputs[0], "reshape");
  const x = split?.inputs[0];
  if (!transpose || !split || !x || String(permOf(transpose)) !== perm || shapeOf(graph, x).length !== 4) return undefined;
  return { x, split: split.outputs[0]! };
}

/** The image that is put together of the phases in `value`, which nothing else reads. */
function phasesAfter(graph: Rewriter, value: Value, [bh, bw]: readonly [number, number]): Value | undefined {
  let joined = value;
  for (const op of ["reshape", "transpose", "reshape"]) {
    const user = graph.soleUser(joined);
    if (user?.op !== op) return undefined;
    joined = user.outputs[0]!;
  }
  const turn = chain(graph, joined, TO_SPACE);
  const [n, h, w, c] = shapeOf(graph, value) as [number, number, number, number];
  const batch = n / (bh * bw);
  if (turn?.x !== value || String(shapeOf(graph, turn.split)) !== String([bh, bw, batch, h, w, c])) return undefined;
  return String(shapeOf(graph, joined)) === String([batch, h * bh, w * bw, c]) ? joined : undefined;
}

/** conv2d → slice that cuts off what padding added ⇒ conv2d with less padding. */
export function fuseCrop(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const conv = node.op === "slice" ? graph.producer(node.inputs[0], "conv2d") : undefined;
    const padding = conv?.attributes.padding as readonly number[] | undefined;
    if (!conv || !padding || !graph.soleUser(node.inputs[0]!) || conv.inputs[3] || String(conv.attributes.strides ?? [1, 1]) !== "1,1")
      continue;
    const cut = cutOff(graph, node);
    const left = cut && padding.map((side, i) => side - cut[i]!);
    if (!left || Math.min(...left) < 0 || !sameQuant(node.outputs[0]!.quant, node.inputs[0]!.quant)) continue;
    graph.replaceNode(node, graph.make("conv2d", conv.inputs, { ...conv.attributes, padding: left }, { quant: node.outputs[0]!.quant }));
  }
}

/** Rows and columns that a slice takes away at the top, the left, the bottom and the right; undefined when it does more. */
function cutOff(graph: Rewriter, node: Node): readonly number[] | undefined {
  const [from, to] = [shapeOf(graph, node.inputs[0]!), shapeOf(graph, node.outputs[0]!)];
  const list = (name: string) => node.attributes[name] as readonly number[] | undefined;
  const starts = list("starts");
  if (!starts || node.inputs.length > 1 || (list("steps") ?? []).some((step) => step !== 1) || from.length !== 4) return undefined;
  const axes = list("axes") ?? starts.map((_, i) => i);
  const startOf = (axis: number) => Math.max(0, starts[axes.findIndex((at) => at === axis || at === axis - 4)] ?? 0);
  if (starts.some((start) => start < 0) || from[0] !== to[0] || from[3] !== to[3]) return undefined;
  const cut = [startOf(1), startOf(2), from[1]! - to[1]! - startOf(1), from[2]! - to[2]! - startOf(2)];
  return cut.every((side) => side >= 0) ? cut : undefined;
}
