// Nodes whose results can be told now become constants, as long as the file does not grow by it: what is larger
// than its inputs is left for the planner, which evaluates it when the model is loaded.

import { constantValue } from "../graph/constant.ts";
import { ELEMENT_BYTES, isStatic, type Node, sizeOf, type Value } from "../graph/types.ts";
import { isConstant } from "./constants.ts";
import { VIEWS } from "./merge-views.ts";
import type { Rewriter } from "./rewrite.ts";

/** Bytes that a folded node may add: about what its own description takes in the file. */
const FREE_BYTES = 256;

/** What operators on int8 are recognized by, and what is folded with its storage kept. */
const KEPT = new Set(["quantize_linear", "dequantize_linear", "dequantize", "transpose", ...VIEWS]);

/** Results of constants and of known shapes become constants. */
export function foldConstants(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (narrowsWhenStored(graph, node) || KEPT.has(node.op)) continue;
    const outputs = node.outputs.filter((value): value is Value => value !== null);
    if (outputs.some((value) => value.quant || !graph.isKnown(value))) continue;
    const bytes = outputs.reduce((sum, value) => sum + bytesOf(graph, value), 0);
    const freed = node.inputs.reduce(
      (sum, value) => sum + (isConstant(value) && graph.useCount(value) === 1 ? value.constant.bytes.length : 0),
      0,
    );
    if (bytes > freed + FREE_BYTES) continue;
    for (const value of outputs) {
      const { dataType, shape, data } = graph.known(value)!;
      graph.replaceValue(value, constantValue(value.name, dataType, shape, data));
    }
    graph.remove(node);
  }
}

/** A float16 constant that is cast to float32 stays stored as it is. */
function narrowsWhenStored(graph: Rewriter, node: Node): boolean {
  const [x, y] = [node.inputs[0], node.outputs[0]];
  if (node.op !== "cast" || !isConstant(x) || x.type.dataType !== "float16" || node.attributes.dataType !== "float32") return false;
  graph.replaceNode(node, { name: y!.name, type: { dataType: "float32", shape: x.type.shape }, constant: x.constant });
  return true;
}

function bytesOf(graph: Rewriter, value: Value): number {
  const type = graph.type(value);
  return type && isStatic(type.shape) ? sizeOf(type.shape) * ELEMENT_BYTES[type.dataType] : Infinity;
}
