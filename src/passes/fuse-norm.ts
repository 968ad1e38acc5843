// The scale and the bias that follow a normalization become its own.
import type { Node } from "../graph/types.ts";
import { floatsOf, isConstant } from "./constants.ts";
import { constantOperand, plainLayer } from "./fuse-affine.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

/** layer_norm · #scale + #bias ⇒ layer_norm with inputs scale and bias; rms_norm · #scale likewise. */
export function fuseNorm(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const operands = node.op === "mul" || node.op === "add" ? constantOperand(node) : undefined;
    const norm = operands && plainLayer(graph, operands.x, ["layer_norm", "rms_norm"]);
    if (!norm || !isPlain(graph, node) || !isForNormalizedAxes(graph, norm, operands.constant)) continue;
    const index = node.op === "mul" ? 1 : 2;
    if (norm.inputs.slice(index).some(Boolean) || (norm.op === "rms_norm" && index === 2)) continue;
    const inputs = [norm.inputs[0]!, norm.inputs[1] ?? null, norm.inputs[2] ?? null].with(index, operands.constant);
    graph.update(norm, { inputs: inputs.slice(0, index + 1) });
    graph.replaceNode(node, norm.outputs[0]!);
  }
}

/** The constant has the shape of the normalized axes, no more and no less. */
function isForNormalizedAxes(graph: Rewriter, norm: Node, constant: Node["inputs"][number]): boolean {
  const shape = graph.type(norm.inputs[0]!)?.shape;
  if (!shape || !isConstant(constant) || !floatsOf(constant)) return false;
  const axis = (norm.attributes.axis as number | undefined) ?? -1;
  return String(constant.type.shape) === String(shape.slice(axis < 0 ? axis + shape.length : axis));
}
