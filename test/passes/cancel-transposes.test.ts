import { expect, test } from "vitest";
import type { Attributes, Value } from "../../src/graph/types.ts";
import { cancelTransposes } from "../../src/passes/cancel-transposes.ts";
import { foldViews, mergeReshapes, mergeTransposes } from "../../src/passes/merge-views.ts";
import { removeNoOps } from "../../src/passes/remove-no-ops.ts";
import { afterPasses, GraphUnderTest, runPasses } from "./support.ts";

const PASSES = [mergeTransposes, cancelTransposes, foldViews, mergeReshapes, removeNoOps];

/** A model as ONNX has it: channels first, with transposes around every layer. */
class ChannelsFirst extends GraphUnderTest {
  conv(x: Value, inputs: number, outputs: number, attributes: Attributes = {}): Value {
    const image = this.node("transpose", [x], { perm: [0, 2, 3, 1] });
    const y = this.node("conv2d", [image, this.constant(`w${inputs}x${outputs}`, [outputs, 1, 1, inputs])], attributes);
    return this.node("transpose", [y], { perm: [0, 3, 1, 2] });
  }
}

test("transposes between layers cancel through activations, constants and broadcasts", () => {
  const g = new ChannelsFirst();
  const x = g.input("x", [1, 3, 8, 8]);
  let y = g.conv(x, 3, 4);
  y = g.node("mul", [y, g.constant("scale", [4, 1, 1])]);
  y = g.node("add", [g.constant("shift", [1, 4, 1, 1]), y]);
  y = g.node("clamp", [y], { min: 0 });
  y = g.node("add", [g.conv(y, 4, 4), y]);
  y = g.node("prelu", [y, g.constant("slope", [4, 1, 1])]);
  expect(
    afterPasses(g.graph(g.node("reduce_mean", [g.conv(y, 4, 5)], { axes: [2, 3], keepDims: false })), ...PASSES),
  ).toMatchInlineSnapshot(`
    "
    input %x:f32[1,3,8,8]
    const #w3x4:f32[4,1,1,3]
    const #scale:f32[1,1,1,4]
    const #shift:f32[1,1,1,4]
    const #w4x4:f32[4,1,1,4]
    const #slope:f32[1,1,1,4]
    const #w4x5:f32[5,1,1,4]
    %x/transpose1:f32[1,8,8,3] = transpose(%x) {perm=[0,2,3,1]}
    %conv2d1:f32[1,8,8,4] = conv2d(%x/transpose1, #w3x4)
    %mul1:f32[1,8,8,4] = mul(%conv2d1, #scale)
    %add1:f32[1,8,8,4] = add(#shift, %mul1)
    %clamp1:f32[1,8,8,4] = clamp(%add1) {min=0}
    %conv2d2:f32[1,8,8,4] = conv2d(%clamp1, #w4x4)
    %add2:f32[1,8,8,4] = add(%conv2d2, %clamp1)
    %prelu1:f32[1,8,8,4] = prelu(%add2, #slope)
    %conv2d3:f32[1,8,8,5] = conv2d(%prelu1, #w4x5)
    %reduce_mean1:f32[1,5] = reduce_mean(%conv2d3) {axes=[1,2] keepDims=false}
    output %reduce_mean1 as "reduce_mean1"
    "
  `);
});

test("axes follow: concat, split, slice, pad, softmax, resize, gather, arg_max", () => {
  const g = new ChannelsFirst();
  const x = g.input("x", [1, 3, 8, 8]);
  let y = g.conv(x, 3, 4);
  y = g.node("concat", [y, g.conv(x, 3, 4)], { axis: 1 });
  const [a, b] = g.nodes("split", [y], 2, { axis: -3 }) as [Value, Value];
  y = g.node("pad", [g.node("add", [a, b])], { pads: [0, 0, 1, 2, 0, 0, 3, 4] });
  y = g.node("slice", [y], { starts: [1, 0], ends: [4, 100], axes: [2, 1], steps: [2, 1] });
  y = g.node("resize", [y], { scales: [1, 1, 2, 3], mode: "nearest" });
  y = g.node("softmax", [y], { axis: 1 });
  y = g.node("gather", [y, g.constant("i", [2], BigInt64Array.of(0n, 1n), { dataType: "int64" })], { axis: 2 });
  y = g.conv(y, 4, 7);
  y = g.node("arg_max", [y], { axis: 1, keepDims: false });
  expect(afterPasses(g.graph(y), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,3,8,8]
    const #w3x4:f32[4,1,1,3]
    const #w3x4:f32[4,1,1,3]
    const #i:i64[2]
    const #w4x7:f32[7,1,1,4]
    %x/transpose1:f32[1,8,8,3] = transpose(%x) {perm=[0,2,3,1]}
    %conv2d1:f32[1,8,8,4] = conv2d(%x/transpose1, #w3x4)
    %conv2d2:f32[1,8,8,4] = conv2d(%x/transpose1, #w3x4)
    %concat1:f32[1,8,8,8] = concat(%conv2d1, %conv2d2) {axis=3}
    %split1:f32[1,8,8,4], %split1.1:f32[1,8,8,4] = split(%concat1) {axis=3}
    %add1:f32[1,8,8,4] = add(%split1, %split1.1)
    %pad1:f32[1,12,14,4] = pad(%add1) {pads=[0,1,2,0,0,3,4,0]}
    %slice1:f32[1,2,14,4] = slice(%pad1) {starts=[1,0] ends=[4,100] axes=[1,3] steps=[2,1]}
    %resize1:f32[1,4,42,4] = resize(%slice1) {scales=[1,2,3,1] mode="nearest"}
    %softmax1:f32[1,4,42,4] = softmax(%resize1) {axis=3}
    %gather1:f32[1,2,42,4] = gather(%softmax1, #i) {axis=1}
    %conv2d3:f32[1,2,42,7] = conv2d(%gather1, #w4x7)
    %arg_max1:i64[1,2,42] = arg_max(%conv2d3) {axis=3 keepDims=false}
    output %arg_max1 as "arg_max1"
    "
  `);
});

test("a squeeze-and-excite branch, and the flattened head after a global mean", () => {
  const g = new ChannelsFirst();
  let y = g.conv(g.input("x", [Number.NaN, 3, Number.NaN, Number.NaN]), 3, 4);
  const mean = g.node("reduce_mean", [y], { axes: [2, 3] });
  y = g.node("mul", [y, g.node("sigmoid", [g.conv(mean, 4, 4)])]);
  y = g.node("reshape", [g.node("reduce_mean", [y], { axes: [-1, -2] })], { shape: [0, 4] });
  expect(afterPasses(g.graph(g.node("exp", [y])), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,3,?,?]
    const #w3x4:f32[4,1,1,3]
    const #w4x4:f32[4,1,1,4]
    %x/transpose1:f32[?,?,?,3] = transpose(%x) {perm=[0,2,3,1]}
    %conv2d1:f32[?,?,?,4] = conv2d(%x/transpose1, #w3x4)
    %reduce_mean1:f32[?,1,1,4] = reduce_mean(%conv2d1) {axes=[1,2]}
    %conv2d2:f32[?,1,1,4] = conv2d(%reduce_mean1, #w4x4)
    %sigmoid1:f32[?,1,1,4] = sigmoid(%conv2d2)
    %mul1:f32[?,?,?,4] = mul(%conv2d1, %sigmoid1)
    %reduce_mean2:f32[?,1,1,4] = reduce_mean(%mul1) {axes=[1,2]}
    %reshape1:f32[?,4] = reshape(%reduce_mean2) {shape=[-1,4]}
    %exp1:f32[?,4] = exp(%reshape1)
    output %exp1 as "exp1"
    "
  `);
});

test("reshapes that keep channels together: a channel shuffle has one transpose, inside", () => {
  const g = new ChannelsFirst();
  let y = g.conv(g.input("x", [1, 3, 8, 8]), 3, 6);
  y = g.node("reshape", [y], { shape: [1, 2, 3, 8, 8] });
  y = g.node("transpose", [y], { perm: [0, 2, 1, 3, 4] });
  y = g.conv(g.node("reshape", [y], { shape: [1, 6, 8, 8] }), 6, 6);
  y = g.node("reshape", [g.node("transpose", [y], { perm: [0, 2, 3, 1] })], { shape: [1, -1, 2] });
  expect(afterPasses(g.graph(y), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,3,8,8]
    const #w3x6:f32[6,1,1,3]
    const #w6x6:f32[6,1,1,6]
    %x/transpose1:f32[1,8,8,3] = transpose(%x) {perm=[0,2,3,1]}
    %conv2d1:f32[1,8,8,6] = conv2d(%x/transpose1, #w3x6)
    %reshape1:f32[1,8,8,2,3] = reshape(%conv2d1) {shape=[1,8,8,2,3]}
    %reshape1/transpose2:f32[1,8,8,3,2] = transpose(%reshape1) {perm=[0,1,2,4,3]}
    %reshape2:f32[1,8,8,6] = reshape(%reshape1/transpose2) {shape=[1,8,8,6]}
    %conv2d2:f32[1,8,8,6] = conv2d(%reshape2, #w6x6)
    %reshape3:f32[1,192,2] = reshape(%conv2d2) {shape=[1,192,2]}
    output %reshape3 as "reshape3"
    "
  `);
});

test("one axis: the row of an image, and constants of lower rank", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [Number.NaN, 5, Number.NaN]);
  const row = (value: Value) => g.node("unsqueeze", [g.node("transpose", [value], { perm: [0, 2, 1] })], { axes: [1] });
  const column = (value: Value) => g.node("transpose", [g.node("squeeze", [value], { axes: [1] })], { perm: [0, 2, 1] });
  const conv = (value: Value, name: string) =>
    column(g.node("conv2d", [row(value), g.constant(name, [5, 1, 3, 5])], { padding: [0, 1, 0, 1] }));
  const y = g.node("add", [conv(x, "w1"), g.constant("b", [5, 1])]);
  const z = conv(g.node("sigmoid", [y]), "w2");
  expect(afterPasses(g.graph(z), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,5,?]
    const #w1:f32[5,1,3,5]
    const #b:f32[1,1,5]
    const #w2:f32[5,1,3,5]
    %x/transpose1:f32[?,?,5] = transpose(%x) {perm=[0,2,1]}
    %unsqueeze1:f32[?,1,?,5] = reshape(%x/transpose1) {shape=[0,1,-1,5]}
    %conv2d1:f32[?,1,?,5] = conv2d(%unsqueeze1, #w1) {padding=[0,1,0,1]}
    %squeeze1:f32[?,?,5] = reshape(%conv2d1) {shape=[0,-1,5]}
    %add1:f32[?,?,5] = add(%squeeze1, #b)
    %sigmoid1:f32[?,?,5] = sigmoid(%add1)
    %unsqueeze2:f32[?,1,?,5] = reshape(%sigmoid1) {shape=[0,1,-1,5]}
    %conv2d2:f32[?,1,?,5] = conv2d(%unsqueeze2, #w2) {padding=[0,1,0,1]}
    %conv2d2/transpose2:f32[?,1,5,?] = transpose(%conv2d2) {perm=[0,1,3,2]}
    %squeeze2:f32[?,5,?] = reshape(%conv2d2/transpose2) {shape=[0,5,-1]}
    output %squeeze2 as "transpose4"
    "
  `);
});

test("the transpose stands where the fewest bytes pass", () => {
  const g = new ChannelsFirst();
  const y = g.node("resize", [g.node("exp", [g.conv(g.input("x", [1, 3, 8, 8]), 3, 4)])], { scales: [1, 1, 4, 4], mode: "nearest" });
  expect(afterPasses(g.graph(g.node("neg", [y])), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,3,8,8]
    const #w3x4:f32[4,1,1,3]
    %transpose1:f32[1,8,8,3] = transpose(%x) {perm=[0,2,3,1]}
    %conv2d1:f32[1,8,8,4] = conv2d(%transpose1, #w3x4)
    %transpose2:f32[1,4,8,8] = transpose(%conv2d1) {perm=[0,3,1,2]}
    %exp1:f32[1,4,8,8] = exp(%transpose2)
    %resize1:f32[1,4,32,32] = resize(%exp1) {scales=[1,1,4,4] mode="nearest"}
    %neg1:f32[1,4,32,32] = neg(%resize1)
    output %neg1 as "neg1"
    "
  `);
});

test("one channel: both orders are the same bytes", () => {
  const g = new ChannelsFirst();
  const y = g.conv(g.node("exp", [g.input("x", [1, 1, 8, 8])]), 1, 1);
  const ops = runPasses(g.graph(g.node("neg", [y])), ...PASSES).nodes.map(({ op }) => op);
  expect(ops.filter((op) => op === "transpose").length).toBeLessThanOrEqual(2);
});

test("a graph in which nothing can be saved stays as it is", () => {
  const g = new GraphUnderTest();
  const y = g.node("transpose", [g.node("exp", [g.input("x", [2, 3, 4])])], { perm: [0, 2, 1] });
  const graph = g.graph(g.node("neg", [y]));
  expect(runPasses(graph, ...PASSES).nodes.map(({ op }) => op)).toEqual(["exp", "transpose", "neg"]);
});
