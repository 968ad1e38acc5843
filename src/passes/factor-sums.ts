// Sums of a tensor and its multiple, as blocks that weigh channels have them: one product, and an addition to the weights.
import { type Node, sizeOf, type Value } from "../graph/types.ts";
import { floatConstant } from "./constants.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

/** x + x · g ⇒ x · (g + 1), where g has fewer elements than x. */
export function factorSums(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [a, b] = node.inputs;
    if (node.op !== "add" || !a || !b) continue;
    for (const [x, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const factor = privateFactor(graph, node, x, other);
      if (!factor) continue;
      const one = floatConstant(`${factor.name}/one`, [], Float32Array.of(1));
      graph.update(node, { op: "mul", inputs: [x, graph.make("add", [factor, one])] });
      break;
    }
  }
}

/** g where `value` is x · g for this node alone. */
function privateFactor(graph: Rewriter, node: Node, x: Value, value: Value): Value | undefined {
  const product = graph.producer(value, "mul");
  const factor = product?.inputs[product.inputs[0] === x ? 1 : 0];
  if (!product?.inputs.includes(x) || !factor || !isPlain(graph, product) || graph.soleUser(value) !== node) return undefined;
  const [own, whole] = [factor, x].map((one) => graph.probedShape(one));
  return own && whole && sizeOf(own) < sizeOf(whole) && graph.sameShape(x, node.outputs[0]!) ? factor : undefined;
}
