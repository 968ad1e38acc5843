import { expect, test } from "vitest";
import type { Value } from "../../src/graph/types.ts";
import { absorbParameters } from "../../src/passes/absorb-parameters.ts";
import { foldConstants } from "../../src/passes/fold-constants.ts";
import { removeNoOps } from "../../src/passes/remove-no-ops.ts";
import { foldDimensions, removeNeedlessExpands, settleExpands, settleReshapes } from "../../src/passes/settle-shapes.ts";
import { afterPasses, GraphUnderTest, runPasses } from "./support.ts";

const PASSES = [foldConstants, absorbParameters, settleReshapes, settleExpands, removeNeedlessExpands, removeNoOps];

class OpenBatch extends GraphUnderTest {
  /** [size of axis 0 of x, …rest]. */
  batchAnd(x: Value, ...rest: number[]): Value {
    const batch = this.node("gather", [this.node("shape", [x]), this.constant("first", [], [0], { dataType: "int64" })]);
    const parts = rest.map((dim) => this.constant(`${dim}`, [1], [dim], { dataType: "int64" }));
    return this.node("concat", [this.node("unsqueeze", [batch], { axes: [0] }), ...parts], { axis: 0 });
  }
}

test("a reshape to the batch of its own input, with another open dimension", () => {
  const g = new OpenBatch();
  const x = g.input("x", [Number.NaN, 4, Number.NaN]);
  expect(afterPasses(g.graph(g.node("reshape", [x, g.batchAnd(x, -1, 2)])), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,4,?]
    %reshape1:f32[?,?,2] = reshape(%x) {shape=[0,-1,2]}
    output %reshape1 as "reshape1"
    "
  `);
});

test("attention heads: batch and tokens are those of another value with as many", () => {
  const g = new OpenBatch();
  const x = g.input("x", [Number.NaN, Number.NaN, 8]);
  const dim = (axis: number) => {
    const at = g.constant(`axis${axis}`, [1], [axis], { dataType: "int64" });
    return g.node("gather", [g.node("shape", [x]), at]);
  };
  const heads = g.constant("heads", [2], [2, 4], { dataType: "int64" });
  const shape = g.node("concat", [dim(0), dim(1), heads], { axis: 0 });
  expect(afterPasses(g.graph(g.node("reshape", [g.node("exp", [x]), shape])), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,?,8]
    %exp1:f32[?,?,8] = exp(%x)
    %reshape1:f32[?,?,2,4] = reshape(%exp1) {shape=[0,0,2,4]}
    output %reshape1 as "reshape1"
    "
  `);
});

test("two unknown dimensions that are not those of the operand stay open", () => {
  const g = new OpenBatch();
  const x = g.input("x", [Number.NaN, 4, 6]);
  const y = g.node("reshape", [g.node("transpose", [x], { perm: [1, 0, 2] }), g.batchAnd(x, -1, 2)]);
  expect(runPasses(g.graph(y), ...PASSES).nodes.at(-1)!.inputs).toHaveLength(2);
});

test("an expand before an operator that broadcasts anyway falls away", () => {
  const g = new OpenBatch();
  const x = g.input("x", [Number.NaN, 4, 1]);
  const wide = g.node("expand", [x, g.batchAnd(x, 4, 3)]);
  expect(afterPasses(g.graph(g.node("mul", [wide, g.constant("c", [4, 3])])), ...PASSES)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,4,1]
    const #c:f32[4,3]
    %mul1:f32[?,4,3] = mul(%x, #c)
    output %mul1 as "mul1"
    "
  `);
});

test("an expand that makes the result larger stays", () => {
  const g = new GraphUnderTest();
  const wide = g.node("expand", [g.input("x", [4, 1])], { shape: [2, 4, 3] });
  expect(runPasses(g.graph(g.node("mul", [wide, g.constant("c", [4, 3])])), ...PASSES).nodes).toHaveLength(2);
});

test("a slice to far beyond the end takes all", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [Number.NaN, 4]);
  const y = g.node("slice", [x], { starts: [0, 0], ends: [2147483647, 4], axes: [0, 1] });
  const z = g.node("slice", [x], { starts: [0, 0], ends: [2147483647, 3], axes: [0, 1] });
  expect(runPasses(g.graph(g.node("exp", [y]), z), ...PASSES).nodes.map(({ op }) => op)).toEqual(["slice", "exp"]);
});

test("a scale from the size of a head, and a shape with −1 where it stays: both are known", () => {
  const g = new OpenBatch();
  const x = g.input("x", [Number.NaN, Number.NaN, 16]);
  const shape = g.node("shape", [x]);
  const depth = g.node("cast", [g.node("slice", [shape], { starts: [-1], ends: [100], axes: [0] })], { dataType: "float32" });
  const wanted = g.constant("wanted", [3], [-1, 4, 16], { dataType: "int64" });
  const isKept = g.node("equal", [wanted, g.constant("minus", [1], [-1], { dataType: "int64" })]);
  const target = g.node("where", [isKept, g.constant("ones", [3], [1, 1, 1], { dataType: "int64" }), wanted]);
  const y = g.node("mul", [g.node("expand", [x, target]), g.node("reciprocal", [g.node("sqrt", [depth])])]);
  expect(afterPasses(g.graph(y), ...PASSES, foldDimensions)).toMatchInlineSnapshot(`
    "
    input %x:f32[?,?,16]
    const #slice1:i64[1]
    %cast1:f32[1] = cast(#slice1) {dataType="float32"}
    %expand1:f32[?,4,16] = expand(%x) {shape=[1,4,16]}
    %sqrt1:f32[1] = sqrt(%cast1)
    %reciprocal1:f32[1] = reciprocal(%sqrt1)
    %mul1:f32[?,4,16] = mul(%expand1, %reciprocal1)
    output %mul1 as "mul1"
    "
  `);
});
