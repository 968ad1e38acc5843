// Where uint8 steps become int8 steps, and where they have to stay.
import { expect, test } from "vitest";
import { constantValue } from "../../src/graph/constant.ts";
import { printGraph } from "../../src/graph/print.ts";
import type { Attributes, Graph, Value } from "../../src/graph/types.ts";
import { recenter } from "../../src/passes/recenter.ts";

const steps = (name: string, shape: number[] = [4]): Value => ({
  name,
  type: { dataType: "uint8", shape },
  quant: { scale: [0.5], zeroPoint: [120] },
});
const numbers = (name: string, dataType: "uint8" | "float32" = "uint8"): Value => ({ name, type: { dataType, shape: [4] } });
const node = (op: string, inputs: Value[], output: Value, attributes: Attributes = {}) => ({
  op,
  name: output.name,
  inputs,
  outputs: [output],
  attributes,
});
const printed = (graph: Graph) => printGraph(recenter(graph));

test("a graph without quantized uint8 values stays as it is", () => {
  const [x, y] = [numbers("x"), numbers("y")];
  const graph = { inputs: [x], outputs: [y], nodes: [node("abs", [x], y)] };
  expect(recenter(graph)).toBe(graph);
  expect(graph.nodes.length).toBe(1);
});

test("inputs and outputs stay uint8, everything between becomes int8", () => {
  const [x, middle, y] = [steps("x"), steps("middle"), steps("y")];
  const weight = constantValue("w", "uint8", [4], Uint8Array.of(0, 127, 128, 255), { scale: [1], zeroPoint: [128] });
  const graph = { inputs: [x], outputs: [y], nodes: [node("mul", [x, weight], middle), node("add", [middle, middle], y)] };
  expect(printed(graph)).toMatchInlineSnapshot(`
    "input %x:u8[4] q(0.5000,120)
    const #w:i8[4] q(1.000,0)
    %x/int8:i8[4] q(0.5000,-8) = recenter(%x) {dataType="int8"}
    %middle:i8[4] q(0.5000,-8) = mul(%x/int8, #w)
    %y/int8:i8[4] q(0.5000,-8) = add(%middle, %middle)
    %y:u8[4] q(0.5000,120) = recenter(%y/int8) {dataType="uint8"}
    output %y as "y""
  `);
  expect(new Int8Array(graph.nodes[1]!.inputs[1]!.constant!.bytes)).toEqual(Int8Array.of(-128, -1, 0, 127));
});

test("operators on numbers see the true uint8 numbers, each translated once", () => {
  const [x, made, y] = [steps("x"), steps("made"), steps("y")];
  const [a, b] = [numbers("a", "float32"), numbers("b", "float32")];
  const nodes = [
    node("mul", [x, x], made),
    node("cast", [made], a, { dataType: "float32" }),
    node("cast", [made], b, { dataType: "float32" }),
    node("cast", [b], y, { dataType: "uint8" }),
  ];
  expect(printed({ inputs: [x], outputs: [a, y], nodes })).toMatchInlineSnapshot(`
    "input %x:u8[4] q(0.5000,120)
    %x/int8:i8[4] q(0.5000,-8) = recenter(%x) {dataType="int8"}
    %made/int8:i8[4] q(0.5000,-8) = mul(%x/int8, %x/int8)
    %made:u8[4] q(0.5000,120) = recenter(%made/int8) {dataType="uint8"}
    %a:f32[4] = cast(%made) {dataType="float32"}
    %b:f32[4] = cast(%made) {dataType="float32"}
    %y:u8[4] q(0.5000,120) = cast(%b) {dataType="uint8"}
    output %a as "a"
    output %y as "y""
  `);
});

test("an operator with a uint8 operand that is not quantized is one on numbers", () => {
  const [x, y] = [steps("x"), numbers("y")];
  expect(printed({ inputs: [x], outputs: [y], nodes: [node("reshape", [x], y, { shape: [4] })] })).toMatchInlineSnapshot(`
    "input %x:u8[4] q(0.5000,120)
    %y:u8[4] = reshape(%x) {shape=[4]}
    output %y as "y""
  `);
});

test("what a node makes as uint8 steps it makes as int8 steps", () => {
  const [x, y] = [numbers("x", "float32"), steps("y")];
  expect(printed({ inputs: [x], outputs: [y], nodes: [node("quantize", [x], y, { dataType: "uint8" })] })).toMatchInlineSnapshot(`
    "input %x:f32[4]
    %y/int8:i8[4] q(0.5000,-8) = quantize(%x) {dataType="int8"}
    %y:u8[4] q(0.5000,120) = recenter(%y/int8) {dataType="uint8"}
    output %y as "y""
  `);
});

test("an input that is an output passes through", () => {
  const x = steps("x");
  const y = steps("y");
  expect(printed({ inputs: [x], outputs: [x, y], nodes: [node("abs", [x], y)] })).toMatchInlineSnapshot(`
    "input %x:u8[4] q(0.5000,120)
    %x/int8:i8[4] q(0.5000,-8) = recenter(%x) {dataType="int8"}
    %y/int8:i8[4] q(0.5000,-8) = abs(%x/int8)
    %y:u8[4] q(0.5000,120) = recenter(%y/int8) {dataType="uint8"}
    output %x as "x"
    output %y as "y""
  `);
});
