// Chains of convolutions: where the planner makes them, that they compute the same bits, and what they save.
import { describe, expect, test } from "vitest";
import { constantValue } from "../../src/graph/constant.ts";
import type { Attributes, Graph, Node, Value } from "../../src/graph/types.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { randomFloats } from "../support/f32-matrix.ts";
import { TIERS, type TierName } from "../support/kernels.ts";
import { modelOf } from "../support/run-op.ts";

/** A network under construction, on images of one size. */
class Network {
  readonly nodes: Node[] = [];
  readonly input: Value;
  readonly size: readonly [number, number];

  constructor(batch: number, size: readonly [number, number], channels: number) {
    this.size = size;
    this.input = { name: "x", type: { dataType: "float32", shape: [batch, ...size, channels] } };
  }

  #conv(x: Value, weightShape: readonly number[], attributes: Attributes, residual: Value | null): Value {
    const name = `conv${this.nodes.length}`;
    const fan = weightShape[1]! * weightShape[2]! * weightShape[3]!;
    const data = randomFloats(weightShape[0]! * fan, this.nodes.length).map((value) => value / Math.sqrt(fan));
    const weight = constantValue(`${name}.w`, "float32", weightShape, data);
    const bias = constantValue(`${name}.b`, "float32", [weightShape[0]!], randomFloats(weightShape[0]!, 77));
    const y: Value = { name };
    this.nodes.push({ op: "conv2d", name, inputs: [x, weight, bias, residual], outputs: [y], attributes });
    return y;
  }
  pointwise(x: Value, from: number, to: number, attributes: Attributes = {}, residual: Value | null = null): Value {
    return this.#conv(x, [to, 1, 1, from], attributes, residual);
  }
  depthwise(x: Value, channels: number, kernel = 3, attributes: Attributes = { min: 0, max: 6 }): Value {
    return this.#conv(x, [channels, kernel, kernel, 1], { groups: channels, autoPad: "same_upper", ...attributes }, null);
  }
  graph(...outputs: Value[]): Graph {
    return { inputs: [this.input], outputs, nodes: this.nodes };
  }
}

const RELU6 = { min: 0, max: 6 };

const bytesOf = (outputs: Record<string, Tensor>): Buffer =>
  Buffer.concat(Object.values(outputs).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)));

/** Runs a graph with and without chains; what comes out must be the same bits. */
function compare(graph: Graph, tier: TierName = "simd128", memory: "fast" | "small" = "fast") {
  const { conv_chain: _, ...ops } = ALL_OPS;
  const [together, apart] = [modelOf(graph, tier, memory), modelOf(graph, tier, memory, ops)];
  const shape = graph.inputs[0]!.type!.shape;
  const feed = {
    x: new Tensor(
      "float32",
      shape,
      randomFloats(
        shape.reduce((size, dim) => size * dim, 1),
        9,
      ),
    ),
  };
  expect(bytesOf(together.runSync(feed)).equals(bytesOf(apart.runSync(feed)))).toBe(true);
  const plan = together.plan();
  return { names: plan.nodes.map((node) => node.split(" = ")[1]!.split("(")[0]), plan, apart: apart.plan() };
}

describe.each(TIERS)("chains, %s", (tier) => {
  test("an inverted residual with its addition", () => {
    const net = new Network(2, [45, 37], 24);
    const expanded = net.pointwise(net.input, 24, 144, RELU6);
    const y = net.pointwise(net.depthwise(expanded, 144), 144, 24, {}, net.input);
    expect(compare(net.graph(y), tier).names).toEqual(["conv_chain"]);
  });

  test("other kernels, strides and activations; nothing after the depthwise convolution", () => {
    const net = new Network(1, [61, 47], 16);
    const expanded = net.pointwise(net.input, 16, 100, { activation: "hard_swish" });
    const y = net.depthwise(expanded, 100, 5, { strides: [2, 2], activation: "hard_swish" });
    const odd = new Network(1, [53, 67], 20);
    const general = odd.depthwise(odd.pointwise(odd.input, 20, 90), 90, 4, { strides: [1, 3], dilations: [2, 1], activation: "swish" });
    expect(compare(net.graph(y), tier).names).toEqual(["conv_chain"]);
    expect(compare(odd.graph(general), tier).names).toEqual(["conv_chain"]);
  });
});

test("the middle is out of the arena", () => {
  const net = new Network(1, [112, 112], 16);
  const y = net.pointwise(net.depthwise(net.pointwise(net.input, 16, 96, RELU6), 96, 3, { strides: [2, 2], ...RELU6 }), 96, 24);
  const { plan, apart } = compare(net.graph(y));
  const [before, after, band] = [112 * 112 * 16 * 4, 56 * 56 * 24 * 4, 256 << 10];
  expect(apart.arenaBytes).toBe((112 * 112 * 96 + 56 * 56 * 96) * 4);
  expect(plan.arenaBytes).toBeLessThanOrEqual(before + after + 2 * band);
  expect(plan.arenaBytes).toBeLessThan(apart.arenaBytes / 3);
});

test("MobileNet v1: the largest middles go first, and no chain needs more memory than its parts", () => {
  const net = new Network(1, [112, 112], 32);
  let y = net.input;
  for (const [from, to, stride] of [
    [32, 64, 1],
    [64, 128, 2],
    [128, 128, 1],
    [128, 256, 2],
  ] as const)
    y = net.pointwise(net.depthwise(y, from, 3, { strides: [stride, stride], ...RELU6 }), from, to, RELU6);
  const { names, plan, apart } = compare(net.graph(y));
  // depthwise 1; pointwise 1, depthwise 2; pointwise 2, depthwise 3, pointwise 3; what is left is small
  expect(names).toEqual(["conv2d", "conv_chain", "conv_chain", "conv2d", "conv2d"]);
  expect(plan.arenaBytes).toBeLessThan(0.7 * apart.arenaBytes);
});

describe("stays apart", () => {
  const names = (build: (net: Network) => Value[], size: readonly [number, number] = [80, 80]) => {
    const net = new Network(1, size, 16);
    return compare(net.graph(...build(net))).names;
  };
  const three = ["conv2d", "conv2d", "conv2d"];

  test("where the middle is small", () => {
    expect(names((net) => [net.pointwise(net.depthwise(net.pointwise(net.input, 16, 48), 48), 48, 16)], [60, 60])).toEqual(three);
  });
  test("where the middle leaves the model or is read twice", () => {
    expect(
      names((net) => {
        const expanded = net.pointwise(net.input, 16, 48);
        return [net.depthwise(expanded, 48), expanded];
      }),
    ).toEqual(["conv2d", "conv2d"]);
    expect(
      names((net) => {
        const expanded = net.pointwise(net.input, 16, 48);
        return [net.pointwise(net.depthwise(expanded, 48), 48, 48, {}, expanded)];
      }),
    ).toEqual(three);
  });
  test("where Strassen's algorithm computes a product faster", () => {
    const build = (channels: number) => (net: Network) => [net.depthwise(net.pointwise(net.input, 16, channels), channels)];
    expect(names(build(96))).toEqual(["conv_chain"]);
    const net = new Network(1, [32, 36], 256);
    const graph = net.graph(net.depthwise(net.pointwise(net.input, 256, 256), 256, 3, { strides: [2, 2] }));
    expect(compare(graph).names).toEqual(["conv2d", "conv2d"]);
    expect(compare(graph, "simd128", "small").names).toEqual(["conv_chain"]);
  });
  test("where input and output leave no room for a band", () => {
    expect(names((net) => [net.pointwise(net.depthwise(net.input, 16), 16, 16)], [160, 160])).toEqual(["conv2d", "conv2d"]);
  });
});
