import { expect, test } from "vitest";
import { ALL_OPS } from "../../src/ops/index.ts";
import { absorbParameters } from "../../src/passes/absorb-parameters.ts";
import { foldConstants } from "../../src/passes/fold-constants.ts";
import { optimizeGraph } from "../../src/passes/index.ts";
import { foldViews, mergeReshapes, mergeTransposes, turnTransposesIntoReshapes } from "../../src/passes/merge-views.ts";
import { nameValues } from "../../src/passes/name-values.ts";
import { removeNoOps } from "../../src/passes/remove-no-ops.ts";
import { Rewriter } from "../../src/passes/rewrite.ts";
import { shareConstants, shareNodes } from "../../src/passes/share-common.ts";
import { afterPasses, GraphUnderTest, runPasses } from "./support.ts";

test("nodes that give their input back fall away, and outputs keep their names", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [1, 4, 6]);
  let y = g.node("reshape", [x], { shape: [1, 4, 6] });
  y = g.node("transpose", [y], { perm: [0, 1, 2] });
  y = g.node("cast", [y], { dataType: "float32" });
  y = g.node("pad", [y], { pads: [0, 0, 0, 0, 0, 0] });
  y = g.node("slice", [y], { starts: [0], ends: [4], axes: [1] });
  y = g.node("mul", [y, g.number(1)]);
  y = g.node("exp", [y]);
  y = g.node("concat", [y], { axis: 0 });
  expect(afterPasses(g.graph(y), removeNoOps)).toMatchInlineSnapshot(`
    "
    input %x:f32[1,4,6]
    %exp1:f32[1,4,6] = exp(%x)
    output %exp1 as "concat1"
    "
  `);
});

test("what looks like a no-op and is none stays", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [3, 3]);
  const reversed = g.node("slice", [x], { starts: [-1], ends: [-9], axes: [0], steps: [-1] });
  const transposed = g.node("transpose", [x], { perm: [1, 0] });
  const higher = g.node("mul", [x, g.constant("one", [1, 1, 1], [1])]);
  const unknown = g.input("u", [Number.NaN, Number.NaN]);
  const reshaped = g.node("reshape", [unknown], { shape: [-1, 4] });
  expect(runPasses(g.graph(reversed, transposed, higher, reshaped), removeNoOps).nodes).toHaveLength(4);
});

test("chains of views become one reshape, and transposes of ones too", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [Number.NaN, 1, 4, 6]);
  let y = g.node("squeeze", [x], { axes: [1] });
  y = g.node("unsqueeze", [y], { axes: [3] });
  y = g.node("flatten", [g.node("transpose", [y], { perm: [0, 3, 1, 2] })], { axis: 2 });
  expect(afterPasses(g.graph(y), mergeReshapes, turnTransposesIntoReshapes, removeNoOps)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,1,4,6]
    %flatten1:f32[?,24] = reshape(%x) {shape=[-1,24]}
    output %flatten1 as "flatten1"
    "
  `);
});

test("transposes merge, and vanish with their inverse", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [2, 3, 4, 5]);
  const there = g.node("transpose", [x], { perm: [0, 2, 3, 1] });
  const back = g.node("transpose", [there], { perm: [0, 3, 1, 2] });
  const other = g.node("transpose", [there], { perm: [0, 2, 1, 3] });
  expect(afterPasses(g.graph(g.node("exp", [back]), other), mergeTransposes, removeNoOps)).toMatchInlineSnapshot(`
    "
    input %x:f32[2,3,4,5]
    %transpose3:f32[2,5,4,3] = transpose(%x) {perm=[0,3,2,1]}
    %exp1:f32[2,3,4,5] = exp(%x)
    output %exp1 as "exp1"
    output %transpose3 as "transpose3"
    "
  `);
});

test("shape arithmetic becomes attributes", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [2, 3, 4]);
  const shape = g.node("shape", [x]);
  const first = g.node("gather", [shape, g.constant("i", [1], [0], { dataType: "int64" })]);
  const target = g.node("concat", [first, g.constant("rest", [1], BigInt64Array.of(-1n), { dataType: "int64" })], { axis: 0 });
  expect(afterPasses(g.graph(g.node("reshape", [x, target])), foldConstants, absorbParameters)).toMatchInlineSnapshot(`
    "
    input %x:f32[2,3,4]
    %reshape1:f32[2,12] = reshape(%x) {shape=[2,-1]}
    output %reshape1 as "reshape1"
    "
  `);
});

test("what would make the file larger is not folded", () => {
  const g = new GraphUnderTest();
  const filled = g.node("fill", [], { shape: [64, 64], value: 1 });
  const small = g.node("fill", [], { shape: [4], value: 1 });
  expect(afterPasses(g.graph(filled, small), foldConstants)).toMatchInlineSnapshot(`
    "
    %fill1:f32[64,64] = fill() {shape=[64,64] value=1}
    output %fill1 as "fill1"
    output #fill2 as "fill2"
    "
  `);
});

test("float16 constants stay stored as float16 when they are cast and transposed", () => {
  const g = new GraphUnderTest();
  const halves = g.constant("w", [2, 3], Uint16Array.of(1, 2, 3, 4, 5, 6), { dataType: "float16" });
  const y = g.node("transpose", [g.node("cast", [halves], { dataType: "float32" })], { perm: [1, 0] });
  const graph = runPasses(g.graph(g.node("matmul", [g.input("x", [1, 3]), y])), foldConstants, foldViews);
  const [, weight] = graph.nodes[0]!.inputs;
  expect(weight!.type).toEqual({ dataType: "float32", shape: [3, 2] });
  expect(weight!.constant!.storage).toBe("float16");
  expect(new Uint16Array(weight!.constant!.bytes.buffer)).toEqual(Uint16Array.of(1, 4, 2, 5, 3, 6));
});

test("equal nodes and equal constants are there once", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [4]);
  const one = g.node("add", [g.node("exp", [x]), g.constant("a", [4])]);
  const other = g.node("add", [g.node("exp", [x]), g.constant("b", [4])]);
  expect(afterPasses(g.graph(g.node("mul", [one, other])), shareConstants, shareNodes)).toMatchInlineSnapshot(`
    "
    input %x:f32[4]
    const #a:f32[4]
    %exp1:f32[4] = exp(%x)
    %add1:f32[4] = add(%exp1, #a)
    %mul1:f32[4] = mul(%add1, %add1)
    output %mul1 as "mul1"
    "
  `);
});

test("clamps that differ in an infinite bound are two", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [4]);
  const y = g.node("add", [g.node("clamp", [x], { min: -Infinity, max: 0 }), g.node("clamp", [x], { min: 0, max: Infinity })]);
  expect(runPasses(g.graph(y), shareNodes).nodes).toHaveLength(3);
});

test("every value has a name of its own", () => {
  const g = new GraphUnderTest();
  const y = g.node("add", [g.input("x", [4]), g.constant("x", [4])]);
  const names = runPasses(g.graph(y), nameValues).nodes.flatMap((node) => [...node.inputs, ...node.outputs].map((value) => value!.name));
  expect(names).toEqual(["x", "x:2", "add1"]);
});

test("dead nodes go, and the graph that was given stays as it was", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [4]);
  g.node("exp", [x]);
  const graph = g.graph(g.node("neg", [x]));
  expect(new Rewriter(graph, ALL_OPS).finish().nodes.map(({ op }) => op)).toEqual(["neg"]);
  expect(graph.nodes).toHaveLength(2);
});

test("nodes without inputs pass through all stages", () => {
  const g = new GraphUnderTest();
  const weight = g.node("fill", [], { shape: [8, 3, 3, 8], value: 0.5 });
  const graph = optimizeGraph(g.graph(g.node("conv2d", [g.input("x", [1, 4, 4, 8]), weight])));
  expect(graph.nodes.map(({ op }) => op)).toEqual(["fill", "conv2d"]);
});
