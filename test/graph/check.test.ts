import { expect, test } from "vitest";
import { checkGraph } from "../../src/graph/check.ts";
import { constantValue } from "../../src/graph/constant.ts";
import type { Graph, Node, Value } from "../../src/graph/types.ts";

const value = (name: string): Value => ({ name, type: { dataType: "float32", shape: [2] } });
const node = (op: string, inputs: Value[], outputs: Value[]): Node => ({ op, name: op, inputs, outputs, attributes: {} });
const [x, y, z] = ["x", "y", "z"].map(value) as [Value, Value, Value];

test("a graph in order passes", () => {
  const graph = {
    inputs: [x],
    outputs: [z, x],
    nodes: [node("exp", [x], [y]), node("add", [y, constantValue("c", "float32", [2], Float32Array.of(1, 2))], [z])],
  };
  expect(() => checkGraph(graph)).not.toThrow();
});

test.each<[string, Graph, string]>([
  ["a value from nowhere", { inputs: [], outputs: [y], nodes: [node("exp", [x], [y])] }, '"x" is made by no node'],
  ["nodes out of order", { inputs: [x], outputs: [z], nodes: [node("neg", [y], [z]), node("exp", [x], [y])] }, 'made later, by node "exp"'],
  ["a cycle", { inputs: [], outputs: [z], nodes: [node("neg", [y], [z]), node("exp", [z], [y])] }, "the graph has a cycle"],
  ["two producers", { inputs: [x], outputs: [y], nodes: [node("neg", [x], [y]), node("exp", [x], [y])] }, 'makes its output "y" too'],
  ["an output from nowhere", { inputs: [x], outputs: [y], nodes: [] }, 'nothing makes the graph\'s output "y"'],
  ["an input twice", { inputs: [x, x], outputs: [x], nodes: [] }, 'the input "x" twice'],
  [
    "a short constant",
    { inputs: [], outputs: [y], nodes: [node("exp", [constantValue("c", "float32", [3], Float32Array.of(1))], [y])] },
    "4 bytes, expected 12",
  ],
])("%s is refused", (_, graph, message) => {
  expect(() => checkGraph(graph)).toThrow(message);
});
