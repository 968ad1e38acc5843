import { describe, expect, test } from "vitest";
import { printNode } from "../../src/graph/print.ts";
import type { Graph, Value } from "../../src/graph/types.ts";
import { fuseAttention, fuseHeads } from "../../src/passes/fuse-attention.ts";
import { fuseAlpha, fuseTransposedOperand } from "../../src/passes/fuse-matmul.ts";
import { fuseResidual } from "../../src/passes/fuse-residual.ts";
import { optimizeGraph } from "../../src/passes/index.ts";
import { mergeTransposes } from "../../src/passes/merge-views.ts";
import { removeNoOps } from "../../src/passes/remove-no-ops.ts";
import type { Pass } from "../../src/passes/rewrite.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, randomFloats } from "../support/f32-matrix.ts";
import { TIERS } from "../support/kernels.ts";
import { modelOf } from "../support/run-op.ts";
import { afterPasses, GraphUnderTest } from "./support.ts";

const PASSES: readonly Pass[] = [
  fuseTransposedOperand,
  fuseAlpha,
  fuseAttention,
  fuseHeads,
  fuseResidual,
  mergeTransposes,
  removeNoOps,
  (graph) => graph.removeDead(),
];

interface Options {
  /** What is done to the scores before the softmax. */
  readonly scores?: (g: GraphUnderTest, scores: Value) => Value;
  readonly softmax?: { readonly axis?: number; readonly beta?: number };
}

/** Attention as models write it: tokens of heads [1,5,2,4] to the front, and back. */
function heads({ scores = (_, value) => value, softmax = {} }: Options = {}, more: (weights: Value) => Value[] = () => []): Graph {
  const g = new GraphUnderTest();
  const [q, k, v] = ["q", "k", "v"].map((name) => g.input(name, [1, 5, 2, 4])) as [Value, Value, Value];
  const toFront = (x: Value, perm = [0, 2, 1, 3]) => g.node("transpose", [x], { perm });
  const weights = g.node("softmax", [scores(g, g.node("matmul", [toFront(q), toFront(k, [0, 2, 3, 1])]))], softmax);
  return g.graph(toFront(g.node("matmul", [weights, toFront(v)])), ...more(weights));
}

/** The one node that is left of attention over heads. */
const fused = (options: Options): string =>
  afterPasses(heads(options), ...PASSES)
    .split("\n")
    .filter((line) => /(attention|softmax)\(/.test(line))
    .join("\n")
    .replace(/.* = /, "");

describe("attention", () => {
  test("of products with an absent bias, as TFLite's layers without one have it, is fused", () => {
    const g = new GraphUnderTest();
    const [q, k, v] = ["q", "k", "v"].map((name) => g.input(name, [5, 4])) as [Value, Value, Value];
    const scores = g.node("matmul", [q, k, null], { transposeB: true, alpha: 0.5 });
    const graph = g.graph(g.node("matmul", [g.node("softmax", [scores]), v, null]));
    expect(afterPasses(graph, ...PASSES)).toContain("= attention(%q, %k, %v) {headsFirst=true scale=0.5}");
  });

  test("is fused, and reads heads where they lie", () => {
    expect(heads().nodes.map(printNode)).toMatchInlineSnapshot(`
      [
        "%transpose1:? = transpose(%q) {perm=[0,2,1,3]}",
        "%transpose2:? = transpose(%k) {perm=[0,2,3,1]}",
        "%matmul1:? = matmul(%transpose1, %transpose2)",
        "%softmax1:? = softmax(%matmul1)",
        "%transpose3:? = transpose(%v) {perm=[0,2,1,3]}",
        "%matmul2:? = matmul(%softmax1, %transpose3)",
        "%transpose4:? = transpose(%matmul2) {perm=[0,2,1,3]}",
      ]
    `);
    expect(afterPasses(heads(), ...PASSES)).toMatchInlineSnapshot(`
      "
      input %q:f32[1,5,2,4]
      input %k:f32[1,5,2,4]
      input %v:f32[1,5,2,4]
      %matmul2:f32[1,5,2,4] = attention(%q, %k, %v) {scale=1}
      output %matmul2 as "transpose4"
      "
    `);
  });

  test("is found with a scale and a mask, however they are written", () => {
    const half = (g: GraphUnderTest, x: Value) => g.node("mul", [x, g.number(0.5)]);
    const mask = (g: GraphUnderTest, shape: readonly number[]) => g.input("mask", shape);
    expect(fused({ scores: half })).toBe("attention(%q, %k, %v) {scale=0.5}");
    expect(fused({ scores: (g, x) => g.node("div", [x, g.number(4)]) })).toBe("attention(%q, %k, %v) {scale=0.25}");
    for (const shape of [[5], [5, 5], [1, 1, 1, 5], [1, 2, 5, 5]]) {
      const expected = "attention(%q, %k, %v, %mask) {scale=0.5}";
      expect(fused({ scores: (g, x) => g.node("add", [half(g, x), mask(g, shape)]) })).toBe(expected);
      expect(fused({ scores: (g, x) => g.node("add", [mask(g, shape), half(g, x)]) })).toBe(expected);
    }
    expect(fused({ scores: (g, x) => g.node("add", [x, g.constant("causal", [5, 5])]), softmax: { axis: 3 } })).toBe(
      "attention(%q, %k, %v, #causal) {scale=1}",
    );
  });

  test("of matrices has no heads", () => {
    const g = new GraphUnderTest();
    const [q, k, v] = [g.input("q", [7, 4]), g.input("k", [5, 4]), g.input("v", [5, 3])];
    const weights = g.node("softmax", [g.node("matmul", [q, k], { transposeB: true })]);
    const graph = g.graph(g.node("matmul", [weights, v]));
    expect(afterPasses(graph, ...PASSES)).toContain("attention(%q, %k, %v) {headsFirst=true scale=1}");
  });

  test("stays as it is where it is something else", () => {
    expect(fused({ softmax: { axis: 2 } })).toContain("softmax");
    expect(fused({ softmax: { beta: 2 } })).toContain("softmax");
    expect(fused({ scores: (g, x) => g.node("add", [x, g.input("mask", [5, 1])]) })).toContain("softmax");
    expect(fused({ scores: (g, x) => g.node("add", [x, g.input("mask", [3, 1, 5, 5])]) })).toContain("softmax");
    const alsoRead = heads({}, (weights) => [weights]);
    expect(afterPasses(alsoRead, ...PASSES)).toContain("softmax");
  });

  test.each(TIERS)("in a block of an encoder computes the same optimized and not, %s", (tier) => {
    const [tokens, width, count] = [13, 24, 3];
    const g = new GraphUnderTest();
    const x = g.input("x", [2, tokens, width]);
    const dense = (from: Value, seed: number) =>
      g.node("matmul", [from, g.constant(`w${seed}`, [width, width], randomFloats(width * width, seed)), g.constant(`b${seed}`, [width])]);
    const toFront = (from: Value, seed: number, perm: number[]) =>
      g.node("transpose", [g.node("reshape", [dense(from, seed)], { shape: [2, tokens, count, width / count] })], { perm });
    const [q, k, v] = [toFront(x, 1, [0, 2, 1, 3]), toFront(x, 2, [0, 2, 3, 1]), toFront(x, 3, [0, 2, 1, 3])];
    const causal = Float32Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > i / tokens ? -1e9 : 0));
    const scores = g.node("add", [
      g.node("div", [g.node("matmul", [q, k]), g.number(Math.sqrt(8))]),
      g.constant("causal", [1, 1, tokens, tokens], causal),
    ]);
    const mixed = g.node("transpose", [g.node("matmul", [g.node("softmax", [scores]), v])], { perm: [0, 2, 1, 3] });
    const graph = g.graph(g.node("add", [dense(g.node("reshape", [mixed], { shape: [2, tokens, width] }), 4), x]));
    const small = optimizeGraph(graph);
    expect(small.nodes.map((node) => node.op).filter((op) => op !== "reshape" && op !== "matmul")).toEqual(["attention"]);
    const feed = { x: new Tensor("float32", [2, tokens, width], randomFloats(2 * tokens * width, 5)) };
    const [actual, expected] = [small, graph].map((each) => Object.values(modelOf(each, tier).runSync(feed))[0]!.data as Float32Array);
    expectClose(actual!, expected!);
  });
});
