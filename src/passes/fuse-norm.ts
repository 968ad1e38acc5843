// The scale and the bias that follow a normalization become its own.
import type { Node, Value } from "../graph/types.ts";
import { floatsOf, isConstant, reshapeConstant } from "./constants.ts";
import { constantOperand, plainLayer } from "./fuse-affine.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

/** layer_norm · #scale + #bias ⇒ layer_norm with inputs scale and bias; rms_norm · #scale likewise. */
export function fuseNorm(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const operands = node.op === "mul" || node.op === "add" ? constantOperand(node) : undefined;
    const norm = operands && plainLayer(graph, operands.x, ["layer_norm", "rms_norm"]);
    const constant = norm && isPlain(graph, node) ? forNormalizedAxes(graph, norm, operands.constant) : undefined;
    if (!norm || !constant) continue;
    const index = node.op === "mul" ? 1 : 2;
    if (norm.inputs.slice(index).some(Boolean) || (norm.op === "rms_norm" && index === 2)) continue;
    const inputs = [norm.inputs[0]!, norm.inputs[1] ?? null, norm.inputs[2] ?? null].with(index, constant);
    graph.update(norm, { inputs: inputs.slice(0, index + 1) });
    graph.replaceNode(node, norm.outputs[0]!);
  }
}

/** The constant in the shape of the normalized axes, where it is that, no more and no less, but for ones at its front. */
function forNormalizedAxes(graph: Rewriter, norm: Node, constant: Node["inputs"][number]): Value | undefined {
  const whole = graph.type(norm.inputs[0]!)?.shape;
  if (!whole || !isConstant(constant) || !floatsOf(constant)) return undefined;
  const axis = (norm.attributes.axis as number | undefined) ?? -1;
  const shape = whole.slice(axis < 0 ? axis + whole.length : axis);
  const own = constant.type.shape;
  const extra = own.length - shape.length;
  if (extra > whole.length - shape.length || own.slice(0, extra).some((dim) => dim !== 1)) return undefined;
  return String(own.slice(extra)) === String(shape) ? reshapeConstant(constant, shape) : undefined;
}
