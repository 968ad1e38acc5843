// Attention from the operators that it is written with: two products with a softmax between them, and the transposes
// that bring heads to the front and back.
import type { Value } from "../graph/types.ts";
import { any, either, type Match, matchNode, op, type Pattern } from "./pattern.ts";
import type { Rewriter } from "./rewrite.ts";

/** Any value, a constant too. */
const operand =
  (name: string): Pattern =>
  (match, value) =>
    Boolean(value && match.values.set(name, value));

const nothing: Pattern = (_, value) => !value;

/** q · kᵀ as `matmul` has it, with or without the mask as its residual. */
const product = (...rest: readonly Pattern[]): Pattern =>
  op("matmul", [operand("q"), any("k"), ...rest], ({ transposeA, transposeB, alpha = 1 }, _, match) => {
    match.numbers.set("scale", alpha as number);
    return transposeA !== true && transposeB === true;
  });

const mask = operand("mask");
const masked = either(product(nothing, mask), op("add", [product(), mask]), op("add", [mask, product()]));

const weights = op("softmax", [either(product(), masked)], ({ axis = -1, beta = 1 }, { inputs }, { graph }) => {
  const rank = graph.rank(inputs[0]!);
  return beta === 1 && rank !== undefined && (axis === -1 || axis === rank - 1);
});

const formula = op(
  "matmul",
  [weights, any("v")],
  ({ transposeA, transposeB, alpha = 1 }) => transposeA !== true && transposeB !== true && alpha === 1,
);

/** matmul(softmax(matmul(q, kᵀ) · scale + mask), v) ⇒ attention(q, k, v, mask) {headsFirst scale}. */
export function fuseAttention(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const match = node.op === "matmul" ? matchNode(graph, node, formula) : undefined;
    if (!match || !fits(match)) continue;
    const inputs = ["q", "k", "v", "mask"].flatMap((name) => match.values.get(name) ?? []);
    graph.update(node, { op: "attention", inputs, attributes: { headsFirst: true, scale: match.number("scale") } });
  }
}

/** Nothing is broadcast but the mask, and that not along the keys. */
function fits({ graph, values }: Match): boolean {
  const [q, k, v, added] = ["q", "k", "v", "mask"].map((name) => values.has(name) && graph.probedShape(values.get(name)!));
  if (!q || !k || !v || q.length < 2 || q.length > 4) return false;
  const leading = String(q.slice(0, -2));
  if ([k, v].some((shape) => shape.length !== q.length || String(shape.slice(0, -2)) !== leading)) return false;
  if (!values.has("mask")) return true;
  const scores = [...q.slice(0, -1), k.at(-2)!];
  if (!added || added.length > q.length || added.at(-1) !== scores.at(-1)) return false;
  const isBroadcast = added.every((dim, i) => dim === 1 || dim === scores.at(i - added.length));
  return isBroadcast && graph.dataType(values.get("mask")!) === "float32";
}

const HEADS_FIRST = "0,2,1,3";

/** attention {headsFirst} of transposed operands ⇒ transpose(attention), which reads the heads where they lie. */
export function fuseHeads(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "attention" || node.attributes.headsFirst !== true) continue;
    const plain = node.inputs.slice(0, 3).map((value): Value | undefined => {
      const transpose = graph.producer(value, "transpose");
      return String(transpose?.attributes.perm) === HEADS_FIRST ? transpose!.inputs[0]! : undefined;
    });
    if (plain.includes(undefined)) continue;
    const { headsFirst, ...attributes } = node.attributes;
    const [name, inputs] = [node.outputs[0]!.name, [...(plain as Value[]), ...node.inputs.slice(3)]];
    const y = graph.make("attention", inputs, attributes, { name });
    graph.replaceNode(node, graph.make("transpose", [y], { perm: [0, 2, 1, 3] }));
  }
}
