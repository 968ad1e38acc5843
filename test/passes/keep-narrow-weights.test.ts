// Dense layers with float activations and weights stored as int8.
import { describe, expect, it } from "vitest";
import { sizeOf } from "../../src/graph/types.ts";
import { optimizeGraph } from "../../src/passes/index.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { random, randomInt8 } from "../support/quantized.ts";
import { modelOf } from "../support/run-op.ts";
import { GraphUnderTest } from "./support.ts";

const next = random(3);

function denseGraph(m: number, k: number, n: number, transposeB: boolean, zero = 0) {
  const g = new GraphUnderTest();
  const shape = transposeB ? [n, k] : [k, n];
  const raw = g.constant("w", shape, Array.from(randomInt8(next, n * k)), { dataType: "int8" });
  const scales = Array.from({ length: n }, () => 0.01 + next() / 50);
  const zeros = g.constant("z", [n], Array(n).fill(zero), { dataType: "int8" });
  const w = g.node("dequantize_linear", [raw, g.constant("s", [n], scales), zeros], { axis: transposeB ? 0 : 1 });
  const product = g.node("matmul", [g.input("x", [m, k]), w], { transposeB });
  const sum = g.node("add", [product, g.constant("bias", [n])]);
  return g.graph(g.node("clamp", [sum], { min: 0 }));
}

const feed = (m: number, k: number) => ({
  x: new Tensor(
    "float32",
    [m, k],
    Float32Array.from({ length: sizeOf([m, k]) }, () => next() * 2 - 1),
  ),
});

describe("dense layers whose weights are stored as int8", () => {
  it.each([
    [1, 64, 40, false],
    [2, 33, 17, true],
    [5, 33, 17, true],
    [9, 20, 8, false],
  ] as const)("%i × %i × %i, transposeB %s", (m, k, n, transposeB) => {
    const graph = denseGraph(m, k, n, transposeB);
    const optimized = optimizeGraph(graph);
    expect(optimized.nodes.map(({ op, attributes }) => [op, attributes.activations])).toEqual([["matmul", "float"]]);
    const x = feed(m, k);
    const [wanted, actual] = [graph, optimized].map((each) => Object.values(modelOf(each).runSync(x))[0]!.data as Float32Array);
    for (const [i, value] of wanted!.entries()) expect(Math.abs(actual![i]! - value)).toBeLessThanOrEqual(1e-5 * k);
  });

  it("takes a quarter of the memory for a single row", () => {
    const [narrow, wide] = [denseGraph(1, 512, 256, true), denseGraph(9, 512, 256, true)].map((graph) => modelOf(optimizeGraph(graph)));
    expect(narrow!.plan().weightBytes * 3.5).toBeLessThan(wide!.plan().weightBytes);
  });

  it("weights around another zero are widened", () => {
    expect(optimizeGraph(denseGraph(1, 8, 8, false, 3)).nodes.map(({ op }) => op)).toContain("dequantize");
  });
});
