// Replaces formulas by the one operator that computes them.
import type { Attributes, Value } from "../graph/types.ts";
import { type Match, matchNode, type Pattern } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

/** A formula in x, and the operator that it is. */
export interface Recognition {
  readonly op: string;
  readonly formula: Pattern;
  /** The operator's attributes; undefined when the numbers that were found are not its own. */
  attributes?(match: Match): Attributes | undefined;
  /** What the operator is applied to beside x. */
  operands?(match: Match): readonly Value[];
}

/** Every formula that one of `recognitions` knows becomes its operator, applied to x. */
export function recognize(graph: Rewriter, recognitions: readonly Recognition[]): void {
  for (const node of graph.nodes()) {
    for (const { op, formula, attributes, operands } of recognitions) {
      const match = matchNode(graph, node, formula);
      const found = match && (attributes ? attributes(match) : {});
      if (!found || !graph.sameShape(match.value("x"), node.outputs[0]!)) continue;
      graph.update(node, { op, inputs: [match.value("x"), ...(operands?.(match) ?? [])], attributes: found });
      break;
    }
  }
}
