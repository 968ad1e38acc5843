// Chains of multiplications, or of additions, by numbers become one.
import type { Node, Value } from "../graph/types.ts";
import { floatConstant, scalarOf } from "./constants.ts";
import { isPlain } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

interface Step {
  readonly x: Value;
  readonly number: number;
}

/** x · number, as a node says it. */
function factorOf(graph: Rewriter, node: Node): Step | undefined {
  const [a, b] = node.inputs;
  if (node.op === "mul") return operandAndNumber(graph, a!, b!);
  const divisor = node.op === "div" ? scalarOf(graph, b) : undefined;
  return divisor === undefined ? undefined : { x: a!, number: 1 / divisor };
}

/** x + number, as a node says it. */
function termOf(graph: Rewriter, node: Node): Step | undefined {
  const [a, b] = node.inputs;
  if (node.op === "add") return operandAndNumber(graph, a!, b!);
  const taken = node.op === "sub" ? scalarOf(graph, b) : undefined;
  return taken === undefined ? undefined : { x: a!, number: -taken };
}

function operandAndNumber(graph: Rewriter, a: Value, b: Value): Step | undefined {
  const [left, right] = [scalarOf(graph, a), scalarOf(graph, b)];
  if (right !== undefined) return { x: a, number: right };
  return left === undefined ? undefined : { x: b, number: left };
}

const KINDS = [
  { op: "mul", stepOf: factorOf, join: (a: number, b: number) => a * b },
  { op: "add", stepOf: termOf, join: (a: number, b: number) => a + b },
] as const;

/** (x · a) / b → x · (a / b), (x + a) − b → x + (a − b); division by a power of two → multiplication. */
export function mergeScalars(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    for (const { op, stepOf, join } of KINDS) {
      const last = stepOf(graph, node);
      const before = last && graph.producer(last.x);
      const first = before && isPlain(graph, before) && graph.soleUser(last.x) ? stepOf(graph, before) : undefined;
      if (!last || graph.dataType(node.outputs[0]!) !== "float32" || node.outputs[0]!.quant) continue;
      if (first && graph.sameShape(first.x, node.outputs[0]!)) becomes(graph, node, op, first.x, join(first.number, last.number));
      else if (node.op === "div" && isPowerOfTwo(last.number)) becomes(graph, node, op, last.x, last.number);
    }
  }
}

const isPowerOfTwo = (number: number): boolean => number !== 0 && Number.isInteger(Math.log2(Math.abs(number)));

function becomes(graph: Rewriter, node: Node, op: string, x: Value, number: number): void {
  if (!Number.isFinite(Math.fround(number))) return;
  const constant = floatConstant(`${node.name}/${op === "mul" ? "factor" : "term"}`, [], Float32Array.of(number));
  graph.update(node, { op, inputs: [x, constant] });
}
