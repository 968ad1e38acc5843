// Dense layers on floats whose weights a model stores as int8 keep them as they are stored.
import type { Node, Value } from "../../graph/types.ts";
import { isConstant } from "../constants.ts";
import type { Rewriter } from "../rewrite.ts";

/** matmul(x, dequantize(#w)) on float32 x ⇒ matmul(x, #w) {activations: "float"}. */
export function keepNarrowWeights(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "matmul" || node.attributes.transposeA === true) continue;
    const [x, weight, bias] = node.inputs;
    const source = graph.producer(weight, "dequantize")?.inputs[0];
    const isFloat = graph.dataType(x!) === "float32" && graph.dataType(node.outputs[0]!) === "float32" && (!bias || isConstant(bias));
    if (!isFloat || !source || !isKnownMatrix(node, source)) continue;
    graph.update(node, { inputs: node.inputs.with(1, source), attributes: { ...node.attributes, activations: "float" } });
  }
}

/** A constant int8 matrix around zero with one scale, or one for each output. */
function isKnownMatrix({ attributes }: Node, value: Value): boolean {
  const { quant } = value;
  if (!isConstant(value) || !quant || value.type.dataType !== "int8" || value.type.shape.length !== 2) return false;
  const axis = attributes.transposeB === true ? 0 : 1;
  return quant.zeroPoint.every((zero) => zero === 0) && (quant.scale.length === 1 || quant.axis === axis);
}
