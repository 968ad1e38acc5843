// The addition at the end of a residual block becomes part of the layer before it.
import type { Node, Value } from "../graph/types.ts";
import { plainLayer } from "./fuse-affine.ts";
import { askForShape } from "./merge-views.ts";
import type { Rewriter } from "./rewrite.ts";

const LAYERS = ["conv2d", "matmul"];

/** add(conv2d(x), y), y of the same shape ⇒ conv2d(x, …, residual y). The activation of the add comes along. */
export function fuseResidual(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [a, b] = node.inputs;
    if (node.op !== "add" || !a || !b || a === b || node.outputs[0]!.quant || !graph.sameShape(a, b)) continue;
    const layer = lastLayer(graph, [a, b]);
    if (!layer) continue;
    const residual = layer.outputs[0] === a ? b : a;
    const [x, weight, bias = null] = layer.inputs;
    graph.update(layer, { inputs: [x!, weight!, bias, residual], attributes: { ...layer.attributes, ...node.attributes } });
    graph.replaceNode(node, layer.outputs[0]!);
  }
}

/** add(reshape(conv2d(x)), y) ⇒ reshape(add(conv2d(x), reshape(y))), so that the layer meets the add. */
export function sinkReshapePastResidual(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [a, b] = node.inputs;
    if (node.op !== "add" || !a || !b || node.outputs[0]!.quant || !graph.sameShape(a, b)) continue;
    const reshape = [a, b].map((value) => graph.producer(value, "reshape")).find((view) => view && isLayerBehind(graph, view));
    const shape = reshape && askForShape(graph.type(reshape.inputs[0]!)?.shape);
    const back = reshape && askForShape(graph.type(reshape.outputs[0]!)?.shape);
    if (!shape || !back) continue;
    const other = graph.make("reshape", [reshape.outputs[0] === a ? b : a], { shape });
    const sum = graph.make("add", [reshape.inputs[0]!, other], node.attributes);
    graph.replaceNode(node, graph.make("reshape", [sum], { shape: back }, { name: node.outputs[0]!.name }));
  }
}

const isLayerBehind = (graph: Rewriter, reshape: Node): boolean =>
  graph.soleUser(reshape.outputs[0]!) !== undefined && plainLayer(graph, reshape.inputs[0]!, LAYERS) !== undefined;

/** The layer that runs last: the other operand is there by then. */
function lastLayer(graph: Rewriter, operands: readonly Value[]): Node | undefined {
  const layers = operands.map((value) => plainLayer(graph, value, LAYERS)).filter((layer): layer is Node => layer !== undefined);
  return layers.length < 2 ? layers[0] : [...graph.nodes()].findLast((node) => layers.includes(node));
}
