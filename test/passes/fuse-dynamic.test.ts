// What quantize_dynamic of onnxruntime writes, against the same graph run node by node.
import { describe, expect, it } from "vitest";
import { type Attributes, sizeOf, type Value } from "../../src/graph/types.ts";
import { optimizeGraph } from "../../src/passes/index.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { random, randomInt8 } from "../support/quantized.ts";
import { modelOf } from "../support/run-op.ts";
import { GraphUnderTest } from "./support.ts";

const next = random(5);

interface Weights {
  readonly shape: readonly number[];
  readonly dataType: "int8" | "uint8";
  readonly zeros: readonly number[];
  readonly scales: readonly number[];
}

/** x quantized over its own range, an integer layer, and both scales; `bias` outputs' worth of terms where there are any. */
function dynamicGraph(
  op: string,
  xShape: readonly number[],
  weights: Weights,
  outputs: number,
  hasBias: boolean,
  attributes: Attributes = {},
) {
  const g = new GraphUnderTest();
  const { shape, dataType, zeros, scales } = weights;
  const x = g.input("x", xShape);
  const steps = Array.from(randomInt8(next, sizeOf(shape)), (step) => step + (dataType === "uint8" ? 128 : 0));
  const [q, scale, zero] = g.nodes("dynamic_quantize", [x], 3) as [Value, Value, Value];
  const w = g.constant("w", shape, steps, { dataType });
  const wZero = g.constant("wz", zeros.length > 1 ? [zeros.length] : [], zeros, { dataType });
  const sums = g.node("cast", [g.node(op, [q, w, zero, wZero], attributes)], { dataType: "float32" });
  const factor = g.node("mul", [scale, g.constant("ws", scales.length > 1 ? [scales.length] : [], scales)]);
  const product = g.node("mul", [sums, factor]);
  const terms = Array.from({ length: outputs }, () => next() * 4 - 2);
  return g.graph(hasBias ? g.node("add", [product, g.constant("bias", [outputs], terms)]) : product);
}

/** Both ways to run it agree but for the roundings of the float32 scales, and nothing on integers is left. */
function expectFused(graph: ReturnType<typeof dynamicGraph>, layer: string): void {
  const fused = optimizeGraph(graph);
  expect(fused.nodes.map(({ op }) => op)).toEqual([layer]);
  const shape = graph.inputs[0]!.type!.shape;
  const x = new Tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => next() * 6 - 2),
  );
  const [wanted, actual] = [graph, fused].map((each) => Object.values(modelOf(each).runSync({ x }))[0]!.data as Float32Array);
  const most = Math.max(...wanted!.map(Math.abs));
  for (const [i, value] of wanted!.entries()) expect(Math.abs(actual![i]! - value)).toBeLessThanOrEqual(4e-7 * most);
}

const numbers = (length: number, make: () => number) => Array.from({ length }, make);

describe("layers on activations that are quantized dynamically", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("dense layers of random sizes (%i)", (round) => {
    const [rows, k, n] = [1 + Math.floor(next() * 20), 1 + Math.floor(next() * 70), 2 + Math.floor(next() * 30)];
    const dataType = round % 2 ? ("int8" as const) : ("uint8" as const);
    const zero = () => Math.floor(next() * 9) + (dataType === "uint8" ? 124 : -4);
    const weights = {
      ...{ shape: [k, n], dataType },
      zeros: round % 3 === 0 ? numbers(n, zero) : [round % 4 === 0 ? 128 : dataType === "int8" ? 0 : zero()],
      scales: round < 5 ? numbers(n, () => 0.001 + next() / 100) : [0.004],
    } as const;
    expectFused(dynamicGraph("matmul_integer", round === 1 ? [2, rows, k] : [rows, k], weights, n, round !== 2), "matmul");
  });

  it("convolutions of several images over one range", () => {
    const weights = { shape: [6, 3, 3, 5], dataType: "int8", zeros: [0], scales: numbers(6, () => 0.001 + next() / 100) } as const;
    const attributes = { padding: [1, 1, 1, 1], strides: [2, 2] };
    expectFused(dynamicGraph("conv_integer", [2, 9, 8, 5], weights, 6, true, attributes), "conv2d");
  });

  it("a convolution between the transposes of an import", () => {
    const g = new GraphUnderTest();
    const [q, scale, zero] = g.nodes("dynamic_quantize", [g.input("x", [1, 3, 6, 7])], 3) as [Value, Value, Value];
    const image = g.node("transpose", [q], { perm: [0, 2, 3, 1] });
    const w = g.constant("w", [4, 3, 3, 3], Array.from(randomInt8(next, 108)), { dataType: "int8" });
    const sums = g.node("transpose", [g.node("conv_integer", [image, w, zero, null], { padding: [1, 1, 1, 1] })], { perm: [0, 3, 1, 2] });
    const product = g.node("mul", [
      g.node("cast", [sums], { dataType: "float32" }),
      g.node("mul", [scale, g.constant("ws", [4, 1, 1], [0.01, 0.02, 0.03, 0.04])]),
    ]);
    expect(optimizeGraph(g.graph(product)).nodes.map(({ op }) => op)).toEqual(["transpose", "conv2d", "transpose"]);
  });

  it("weights whose scales are along another axis stay integers", () => {
    const weights = { shape: [4, 4], dataType: "int8", zeros: [0], scales: [1, 2] } as const;
    const g = new GraphUnderTest();
    const [q, scale, zero] = g.nodes("dynamic_quantize", [g.input("x", [4, 4])], 3) as [Value, Value, Value];
    const product = g.node("matmul_integer", [
      q,
      g.constant(
        "w",
        weights.shape,
        numbers(16, () => 3),
        { dataType: "int8" },
      ),
      zero,
      null,
    ]);
    const factor = g.node("mul", [scale, g.constant("ws", [4, 1], [1, 2, 3, 4])]);
    const graph = g.graph(g.node("mul", [g.node("cast", [product], { dataType: "float32" }), factor]));
    expect(optimizeGraph(graph).nodes.map(({ op }) => op)).toContain("matmul_integer");
  });
});
