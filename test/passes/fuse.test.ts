import { expect, test } from "vitest";
import { constantElements } from "../../src/graph/constant.ts";
import type { Attributes, Value } from "../../src/graph/types.ts";
import { factorSums } from "../../src/passes/factor-sums.ts";
import { foldConstants } from "../../src/passes/fold-constants.ts";
import { fuseActivation, fuseClamp } from "../../src/passes/fuse-activation.ts";
import { fuseAffine } from "../../src/passes/fuse-affine.ts";
import { fuseCrop, fuseDilation } from "../../src/passes/fuse-dilation.ts";
import { fuseAlpha, fuseTransposedOperand, fuseTransposeIntoDense } from "../../src/passes/fuse-matmul.ts";
import { fuseNorm } from "../../src/passes/fuse-norm.ts";
import { fusePad } from "../../src/passes/fuse-pad.ts";
import { fuseResidual } from "../../src/passes/fuse-residual.ts";
import { factorOut, fuseScale } from "../../src/passes/fuse-scale.ts";
import { gatherOneHot } from "../../src/passes/gather-one-hot.ts";
import { mergeReshapes } from "../../src/passes/merge-views.ts";
import { removeNoOps } from "../../src/passes/remove-no-ops.ts";
import { sinkReshapes, sinkReshapesPastMatmul } from "../../src/passes/sink-reshapes.ts";
import { afterPasses, GraphUnderTest, runPasses } from "./support.ts";

/** A convolution of one pixel with weights that count up from 1. */
const conv = (g: GraphUnderTest, x: Value, inputs: number, outputs: number, name = "w", attributes: Attributes = {}): Value =>
  g.node("conv2d", [x, g.constant(name, [outputs, 1, 1, inputs])], attributes);

/** The float32 elements of an input of the graph's first node. */
function elements(g: GraphUnderTest, y: Value, index: number, ...passes: Parameters<typeof runPasses>[1][]): number[] {
  const value = runPasses(g.graph(y), ...passes).nodes[0]!.inputs[index]!;
  return Array.from(new Float32Array(value.constant!.bytes.slice().buffer));
}

test("a batch normalization becomes weights and bias", () => {
  const g = new GraphUnderTest();
  let y = conv(g, g.input("x", [1, 4, 4, 2]), 2, 3);
  y = g.node("mul", [y, g.constant("scale", [1, 1, 1, 3], [1, 10, 100])]);
  y = g.node("sub", [y, g.constant("shift", [3], [-7, 0, 7])]);
  expect(afterPasses(g.graph(y), fuseAffine)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,4,4,2]
    const #w:f32[3,1,1,2]
    const #sub1/bias:f32[3]
    %conv2d1:f32[1,4,4,3] = conv2d(%x, #w, #sub1/bias)
    output %conv2d1 as "sub1"
    "
  `);
  expect(elements(g, y, 1, fuseAffine)).toEqual([1, 2, 30, 40, 500, 600]);
  expect(elements(g, y, 2, fuseAffine)).toEqual([7, 0, -7]);
});

test("a dense layer takes factors along its outputs, wherever these are", () => {
  for (const transposeB of [true, false]) {
    const g = new GraphUnderTest();
    const y = g.node("matmul", [g.input("x", [5, 2]), g.constant("w", transposeB ? [3, 2] : [2, 3])], { transposeB });
    const scaled = elements(g, g.node("div", [y, g.constant("scale", [3], [1, 0.5, 0.25])]), 1, fuseAffine);
    expect(scaled).toEqual(transposeB ? [1, 2, 6, 8, 20, 24] : [1, 4, 12, 4, 10, 24]);
  }
});

test("weights that others read too, and constants along other axes, stay", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [1, 4, 4, 2]);
  const w = g.constant("w", [2, 1, 1, 2]);
  const shared = g.node("mul", [g.node("conv2d", [x, w]), g.constant("s", [2])]);
  const other = g.node("conv2d", [g.node("exp", [x]), w]);
  const column = g.node("mul", [conv(g, x, 2, 4, "v"), g.constant("c", [4, 1])]);
  expect(runPasses(g.graph(shared, other, column), fuseAffine).nodes).toHaveLength(6);
});

test("constants before a layer: factors into the weights, terms into the bias where nothing is padded", () => {
  const g = new GraphUnderTest();
  let y: Value = g.node("mul", [g.input("x", [1, 4, 4, 2]), g.constant("a", [2], [10, 100])]);
  y = g.node("add", [y, g.number(1)]);
  y = conv(g, y, 2, 2);
  expect(afterPasses(g.graph(y), fuseScale, factorOut)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,4,4,2]
    const #w:f32[2,1,1,2]
    const #conv2d1/bias:f32[2]
    %conv2d1:f32[1,4,4,2] = conv2d(%x, #w, #conv2d1/bias)
    output %conv2d1 as "conv2d1"
    "
  `);
  expect(elements(g, y, 1, fuseScale)).toEqual([10, 200, 30, 400]);
  expect(elements(g, y, 2, fuseScale)).toEqual([3, 7]);
});

test("before a layer that pads, the term stays in front of the factor", () => {
  const g = new GraphUnderTest();
  let y: Value = g.node("mul", [g.input("x", [1, 4, 4, 2]), g.number(10)]);
  y = g.node("add", [y, g.constant("b", [2], [1, 2])]);
  y = g.node("conv2d", [y, g.constant("w", [2, 3, 3, 1])], { padding: [1, 1, 1, 1], groups: 2 });
  expect(afterPasses(g.graph(y), fuseScale, factorOut)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,4,4,2]
    const #add1/term:f32[2]
    const #w:f32[2,3,3,1]
    %x/add1:f32[1,4,4,2] = add(%x, #add1/term)
    %conv2d1:f32[1,4,4,2] = conv2d(%x/add1, #w) {padding=[1,1,1,1] groups=2}
    output %conv2d1 as "conv2d1"
    "
  `);
});

test("residual block: the add and its activation become part of the last layer", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [1, Number.NaN, Number.NaN, 2]);
  const y = conv(g, g.node("clamp", [conv(g, x, 2, 4, "v")], { min: 0 }), 4, 2);
  expect(afterPasses(g.graph(g.node("clamp", [g.node("add", [x, y])], { min: 0 })), fuseResidual, fuseClamp)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,?,?,2]
    const #v:f32[4,1,1,2]
    const #w:f32[2,1,1,4]
    %conv2d1:f32[1,?,?,4] = conv2d(%x, #v) {min=0}
    %conv2d2:f32[1,?,?,2] = conv2d(%conv2d1, #w, –, %x) {min=0}
    output %conv2d2 as "clamp2"
    "
  `);
});

test("an add that broadcasts is no residual", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [1, 4, 4, 2]);
  const y = g.node("add", [conv(g, x, 2, 2), g.input("row", [1, 1, 4, 2])]);
  expect(runPasses(g.graph(y), fuseResidual).nodes).toHaveLength(2);
});

test("activations and bounds become attributes, in the order that they have", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [1, 4, 4, 2]);
  let y = g.node("leaky_relu", [conv(g, x, 2, 2)], { alpha: 0.25 });
  y = g.node("clamp", [g.node("clamp", [y], { min: -0.5 })], { max: 3 });
  let z = g.node("add", [y, x]);
  z = g.node("sigmoid", [g.node("clamp", [z], { min: 0 })]);
  expect(afterPasses(g.graph(z), fuseClamp, fuseActivation)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,4,4,2]
    const #w:f32[2,1,1,2]
    %conv2d1:f32[1,4,4,2] = conv2d(%x, #w) {activation="leaky_relu" alpha=0.25 min=-0.5 max=3}
    %add1:f32[1,4,4,2] = add(%conv2d1, %x) {min=0}
    %sigmoid1:f32[1,4,4,2] = sigmoid(%add1)
    output %sigmoid1 as "sigmoid1"
    "
  `);
});

test("pads become padding where a window means the same by it", () => {
  const g = new GraphUnderTest();
  const pad = (x: Value, attributes: Attributes = {}) => g.node("pad", [x], { pads: [0, 1, 2, 0, 0, 3, 4, 0], ...attributes });
  const x = g.input("x", [1, 8, 8, 2]);
  const kernel = { kernel: [5, 5] };
  const fused = [
    g.node("conv2d", [pad(x), g.constant("w", [2, 3, 3, 2])], { strides: [2, 2], padding: [1, 1, 1, 1] }),
    g.node("conv2d", [pad(x), g.constant("v", [2, 3, 3, 2])], { autoPad: "same_upper" }),
    g.node("average_pool2d", [pad(x)], kernel),
    g.node("max_pool2d", [pad(x, { value: -Infinity })], kernel),
    g.node("max_pool2d", [pad(conv(g, x, 2, 2, "u", { min: 0 }))], kernel),
  ];
  expect(afterPasses(g.graph(...fused), fusePad)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,8,8,2]
    const #w:f32[2,3,3,2]
    const #v:f32[2,3,3,2]
    const #u:f32[2,1,1,2]
    %conv2d1:f32[1,6,7,2] = conv2d(%x, #w) {strides=[2,2] padding=[2,3,4,5]}
    %conv2d2:f32[1,12,14,2] = conv2d(%x, #v) {padding=[2,3,4,5]}
    %average_pool2d1:f32[1,8,10,2] = average_pool2d(%x) {kernel=[5,5] padding=[1,2,3,4] countIncludePad=true}
    %max_pool2d1:f32[1,8,10,2] = max_pool2d(%x) {kernel=[5,5] padding=[1,2,3,4]}
    %conv2d3:f32[1,8,8,2] = conv2d(%x, #u) {min=0}
    %max_pool2d2:f32[1,8,10,2] = max_pool2d(%conv2d3) {kernel=[5,5] padding=[1,2,3,4]}
    output %conv2d1 as "conv2d1"
    output %conv2d2 as "conv2d2"
    output %average_pool2d1 as "average_pool2d1"
    output %max_pool2d1 as "max_pool2d1"
    output %max_pool2d2 as "max_pool2d2"
    "
  `);
});

test("pads that mean something else stay", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [1, 8, 8, 2]);
  const pad = (attributes: Attributes) => g.node("pad", [x], { pads: [0, 1, 1, 0, 0, 1, 1, 0], ...attributes });
  const kept = [
    conv(g, pad({ mode: "reflect" }), 2, 2, "a"),
    conv(g, pad({ value: 1 }), 2, 2, "b"),
    g.node("conv2d", [pad({ pads: [0, 0, 0, 1, 0, 0, 0, 1] }), g.constant("c", [2, 1, 1, 4])]),
    g.node("max_pool2d", [pad({})], { kernel: [3, 3] }),
    g.node("max_pool2d", [pad({ value: -Infinity, pads: [0, 3, 0, 0, 0, 0, 0, 0] })], { kernel: [3, 3] }),
    g.node("average_pool2d", [pad({})], { kernel: [3, 3], padding: [1, 1, 1, 1] }),
    g.node("average_pool2d", [pad({})], { kernel: [3, 3], ceilMode: true }),
  ];
  expect(runPasses(g.graph(...kept), fusePad).nodes.filter(({ op }) => op === "pad")).toHaveLength(kept.length);
});

test("attention: transposed operands and scales become attributes of the product", () => {
  const g = new GraphUnderTest();
  const [q, k, v] = ["q", "k", "v"].map((name) => g.input(name, [2, 4, 10, 8])) as [Value, Value, Value];
  const scores = g.node("matmul", [g.node("mul", [q, g.number(0.5)]), g.node("transpose", [k], { perm: [0, 1, 3, 2] })]);
  const weights = g.node("softmax", [g.node("div", [scores, g.number(4)])]);
  expect(afterPasses(g.graph(g.node("matmul", [weights, v])), fuseTransposedOperand, fuseAlpha)).toMatchInlineSnapshot(`
    "
    input %q:f32[2,4,10,8]
    input %k:f32[2,4,10,8]
    input %v:f32[2,4,10,8]
    %matmul1:f32[2,4,10,10] = matmul(%q, %k) {transposeB=true alpha=0.125}
    %softmax1:f32[2,4,10,10] = softmax(%matmul1)
    %matmul2:f32[2,4,10,8] = matmul(%softmax1, %v)
    output %matmul2 as "matmul2"
    "
  `);
});

test("a transpose before a flattened dense layer becomes an order of its weights", () => {
  const g = new GraphUnderTest();
  const image = g.node("transpose", [g.input("x", [1, 2, 1, 3])], { perm: [0, 3, 1, 2] });
  const y = g.node("matmul", [g.node("reshape", [image], { shape: [1, 6] }), g.constant("w", [6, 2])]);
  const graph = runPasses(g.graph(y), fuseTransposeIntoDense);
  expect(graph.nodes.map(({ op }) => op)).toEqual(["reshape", "matmul"]);
  expect(Array.from(new Float32Array(graph.nodes[1]!.inputs[1]!.constant!.bytes.slice().buffer))).toEqual([
    1, 2, 5, 6, 9, 10, 3, 4, 7, 8, 11, 12,
  ]);
});

test("the scale and the bias of a normalization", () => {
  const g = new GraphUnderTest();
  let y = g.node("layer_norm", [g.input("x", [2, 3, 8])], { axis: -1, epsilon: 1e-5 });
  y = g.node("add", [g.constant("bias", [8]), g.node("mul", [y, g.constant("scale", [8])])]);
  expect(afterPasses(g.graph(y), fuseNorm)).toMatchInlineSnapshot(`
    "
    input %x:f32[2,3,8]
    const #scale:f32[8]
    const #bias:f32[8]
    %layer_norm1:f32[2,3,8] = layer_norm(%x, #scale, #bias) {axis=-1 epsilon=0.00001}
    output %layer_norm1 as "add1"
    "
  `);
});

test("reshapes sink past activations, numbers and dense layers until they meet", () => {
  const g = new GraphUnderTest();
  const x = g.node("exp", [g.input("x", [Number.NaN, 9, 4])]);
  let y = g.node("matmul", [g.node("reshape", [x], { shape: [-1, 4] }), g.constant("w", [4, 6])]);
  y = g.node("mul", [g.node("sigmoid", [y]), g.number(2)]);
  y = g.node("reshape", [y], { shape: [-1, 9, 6] });
  expect(afterPasses(g.graph(y), sinkReshapes, sinkReshapesPastMatmul, mergeReshapes, removeNoOps)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,9,4]
    const #w:f32[4,6]
    const #2:f32[]
    %exp1:f32[?,9,4] = exp(%x)
    %exp1/matmul1:f32[?,9,6] = matmul(%exp1, #w)
    %exp1/matmul1/sigmoid2:f32[?,9,6] = sigmoid(%exp1/matmul1)
    %exp1/matmul1/sigmoid2/mul3:f32[?,9,6] = mul(%exp1/matmul1/sigmoid2, #2)
    output %exp1/matmul1/sigmoid2/mul3 as "reshape2"
    "
  `);
});

test("a convolution between space_to_batch and batch_to_space is dilated", () => {
  const g = new GraphUnderTest();
  let y: Value = g.node("pad", [g.input("x", [1, 5, 7, 2])], { pads: [0, 2, 3, 0, 0, 3, 5, 0] });
  y = g.node("reshape", [y], { shape: [1, 5, 2, 5, 3, 2] });
  y = g.node("reshape", [g.node("transpose", [y], { perm: [2, 4, 0, 1, 3, 5] })], { shape: [6, 5, 5, 2] });
  y = g.node("conv2d", [y, g.constant("w", [2, 3, 3, 2])], { autoPad: "valid", min: 0 });
  y = g.node("reshape", [y], { shape: [2, 3, 1, 3, 3, 2] });
  y = g.node("reshape", [g.node("transpose", [y], { perm: [2, 3, 0, 4, 1, 5] })], { shape: [1, 6, 9, 2] });
  y = g.node("slice", [y], { starts: [0, 0], ends: [5, 7], axes: [1, 2] });
  expect(afterPasses(g.graph(y), fuseDilation, fusePad, fuseCrop)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,5,7,2]
    const #w:f32[2,3,3,2]
    %x/conv2d1:f32[1,5,7,2] = conv2d(%x, #w) {min=0 dilations=[2,3] padding=[2,3,2,3]}
    output %x/conv2d1 as "slice1"
    "
  `);
});

/** [… , 1] == 0 … size − 1, as floats. */
function oneHot(g: GraphUnderTest, indices: Value, size: number): Value {
  const range = g.constant(
    "range",
    [1, size],
    Int32Array.from({ length: size }, (_, i) => i),
  );
  return g.node("cast", [g.node("equal", [indices, range])], { dataType: "float32" });
}

test("a product with one-hot rows picks rows, and one of zeros for indices outside", () => {
  const g = new GraphUnderTest();
  const hot = oneHot(g, g.input("x", [5, 1], { dataType: "int32" }), 3);
  const y = g.node("matmul", [hot, g.constant("w", [3, 2]), g.constant("b", [2], [10, 20])]);
  expect(afterPasses(g.graph(y), gatherOneHot)).toMatchInlineSnapshot(`
    "
    input %x:i32[5,1]
    const #x/least:i32[]
    const #x/most:i32[]
    const #w:f32[4,2]
    %x/max1:i32[5,1] = max(%x, #x/least)
    %x/max1/min2:i32[5,1] = min(%x/max1, #x/most)
    %w/gather3:f32[5,1,2] = gather(#w, %x/max1/min2)
    %matmul1:f32[5,2] = reshape(%w/gather3) {shape=[5,2]}
    output %matmul1 as "matmul1"
    "
  `);
  const rows = runPasses(g.graph(y), gatherOneHot).nodes.find(({ op }) => op === "gather")!.inputs[0]!;
  expect([...constantElements(rows as Parameters<typeof constantElements>[0])]).toEqual([11, 22, 13, 24, 15, 26, 10, 20]);
});

test("the rows take the activation and the bounds of the product, and transposed weights", () => {
  const g = new GraphUnderTest();
  const hot = oneHot(g, g.input("x", [5, 1], { dataType: "int32" }), 3);
  const y = g.node("matmul", [hot, g.constant("w", [2, 3])], { transposeB: true, activation: "square", max: 20 });
  const rows = runPasses(g.graph(y), gatherOneHot, foldConstants).nodes.find(({ op }) => op === "gather")!.inputs[0]!;
  expect([...constantElements(rows as Parameters<typeof constantElements>[0])]).toEqual([1, 16, 4, 20, 9, 20, 0, 0]);
});

test("products with other rows, and with weights that are not numbers, stay", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [5, 1], { dataType: "int32" });
  const infinite = g.node("matmul", [oneHot(g, x, 3), g.constant("w", [3, 2], [1, 2, Number.POSITIVE_INFINITY, 4, 5, 6])]);
  const wide = g.node("cast", [g.node("equal", [g.input("z", [5, 3], { dataType: "int32" }), x])], { dataType: "float32" });
  const other = g.node("matmul", [wide, g.constant("v", [3, 2])]);
  expect(runPasses(g.graph(infinite, other), gatherOneHot).nodes.filter(({ op }) => op === "matmul")).toHaveLength(2);
});

test("a reshape goes below a bias, so that a layer takes it", () => {
  const g = new GraphUnderTest();
  const flat = g.node("reshape", [conv(g, g.input("x", [1, 4, 1, 2]), 2, 3)], { shape: [1, 4, 3] });
  const y = g.node("add", [flat, g.constant("bias", [1, 1, 3])]);
  expect(runPasses(g.graph(y), sinkReshapes, fuseAffine).nodes.map(({ op }) => op)).toEqual(["conv2d", "reshape"]);
});

test("a tensor and its multiple are added as one product, where the factor is smaller", () => {
  const g = new GraphUnderTest();
  const x = g.node("exp", [g.input("x", [1, 4, 4, 3])]);
  const gate = g.input("gate", [1, 1, 1, 3]);
  const y = g.node("add", [x, g.node("mul", [gate, x])], { min: 0 });
  const whole = g.node("add", [g.node("mul", [x, g.input("z", [1, 4, 4, 3])]), x]);
  expect(afterPasses(g.graph(y, whole), factorSums)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,4,4,3]
    input %gate:f32[1,1,1,3]
    input %z:f32[1,4,4,3]
    const #gate/one:f32[]
    %exp1:f32[1,4,4,3] = exp(%x)
    %gate/add1:f32[1,1,1,3] = add(%gate, #gate/one)
    %add1:f32[1,4,4,3] = mul(%exp1, %gate/add1) {min=0}
    %mul2:f32[1,4,4,3] = mul(%exp1, %z)
    %add2:f32[1,4,4,3] = add(%mul2, %exp1)
    output %add1 as "add1"
    output %add2 as "add2"
    "
  `);
});
