import { expect, test } from "vitest";
import { constantValue } from "../../src/graph/constant.ts";
import { toFloat16Bits } from "../../src/graph/float16.ts";
import { printGraph } from "../../src/graph/print.ts";
import type { Graph, Value } from "../../src/graph/types.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { widenFloat16 } from "../../src/passes/widen-float16.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { modelOf } from "../support/run-op.ts";

const halves = (...values: number[]) => Uint16Array.from(values, toFloat16Bits);

/** sqrt(cast(x · 3)) and x · 3, all in halves but for an integer input that is cast to them. */
function halfGraph(): Graph {
  const x: Value = { name: "x", type: { dataType: "float16", shape: [3] } };
  const n: Value = { name: "n", type: { dataType: "int32", shape: [3] } };
  const three = constantValue("three", "float16", [1], halves(3));
  const [cast, product, root]: Value[] = [{ name: "c" }, { name: "product" }, { name: "root" }];
  return {
    inputs: [x, n],
    outputs: [product!, root!, x],
    nodes: [
      { op: "cast", name: "cast", inputs: [n], outputs: [cast!], attributes: { dataType: "float16" } },
      { op: "mul", name: "mul", inputs: [x, three], outputs: [product!], attributes: {} },
      { op: "sqrt", name: "sqrt", inputs: [cast!], outputs: [root!], attributes: {} },
    ],
  };
}

test("computes in float32 between casts, and keeps public types and stored halves", () => {
  const graph = halfGraph();
  const before = printGraph(graph);
  expect(printGraph(widenFloat16(graph, ALL_OPS))).toMatchInlineSnapshot(`
    "input %x:f16[3]
    input %n:i32[3]
    const #three:f32[1]
    %x/float32:? = cast(%x) {dataType="float32"}
    %c:? = cast(%n) {dataType="float32"}
    %product/float32:? = mul(%x/float32, #three)
    %root/float32:? = sqrt(%c)
    %product:? = cast(%product/float32) {dataType="float16"}
    %root:? = cast(%root/float32) {dataType="float16"}
    output %product as "product"
    output %root as "root"
    output %x as "x""
  `);
  expect(printGraph(graph)).toBe(before);
});

test("gives the halves nearest to the float32 results", () => {
  const model = modelOf(widenFloat16(halfGraph(), ALL_OPS));
  const outputs = model.runSync({ x: new Tensor("float16", [3], halves(1, 0.5, -7)), n: new Tensor("int32", [3], Int32Array.of(4, 2, 9)) });
  expect(Object.keys(outputs)).toEqual(["product", "root", "x"]);
  expect([...outputs.product!.data]).toEqual([...halves(3, 1.5, -21)]);
  expect([...outputs.root!.data]).toEqual([...halves(2, Math.SQRT2, 3)]);
  expect(outputs.x!.dataType).toBe("float16");
});

test("leaves a graph without halves alone", () => {
  const x: Value = { name: "x", type: { dataType: "float32", shape: [2] } };
  const y: Value = { name: "y" };
  const graph: Graph = { inputs: [x], outputs: [y], nodes: [{ op: "neg", name: "neg", inputs: [x], outputs: [y], attributes: {} }] };
  expect(widenFloat16(graph, ALL_OPS)).toBe(graph);
});
