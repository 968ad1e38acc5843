import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Graph, sizeOf, type Value } from "../../src/graph/types.ts";
import type { HostTensor } from "../../src/ops/define.ts";
import { Model } from "../../src/runtime/model.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { naiveRun, sharingGraph, TEST_OPS } from "./random-graphs.ts";

const module = new WebAssembly.Module(readFileSync(new URL("../../dist/simd128.wasm", import.meta.url)));
const modelOf = (graph: Graph) => new Model(graph, module, { tier: "simd128", memory: "fast", ops: TEST_OPS });
const planOf = (graph: Graph) => modelOf(graph).plan();

function inputsFor(graph: Graph): Map<Value, HostTensor> {
  const tensors = graph.inputs.map((value, n): [Value, HostTensor] => {
    const { shape } = value.type!;
    return [
      value,
      new Tensor(
        "float32",
        shape,
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => n * 1000 + i),
      ),
    ];
  });
  return new Map(tensors);
}

function runGraph(graph: Graph): Float32Array[] {
  graph.outputNames = graph.outputs.map((_, i) => `out${i}`);
  const inputs = Object.fromEntries([...inputsFor(graph)].map(([value, tensor]) => [value.name, tensor as Tensor]));
  const model = modelOf(graph);
  model.runSync(inputs); // leaves its traces in the arena
  return Object.values(model.runSync(inputs)).map((tensor) => tensor.data as Float32Array);
}

function expectNaive(graph: Graph): void {
  expect(runGraph(graph)).toEqual(naiveRun(graph, inputsFor(graph)));
}
const value = (name: string, shape?: number[]): Value => ({ name, ...(shape && { type: { dataType: "float32", shape } }) });
const node = (op: string, inputs: Value[], outputs: Value[], attributes = {}) => ({
  op,
  name: outputs[0]!.name,
  inputs,
  outputs,
  attributes,
});

describe("values that share memory", () => {
  it("keep their elements as long as they are needed", () => {
    fc.assert(fc.property(sharingGraph, expectNaive), { numRuns: 800 });
  });

  it("fit an arena at its lower bound, nearly always", () => {
    const plans = fc.sample(sharingGraph, { numRuns: 300, seed: 7 }).map(planOf);
    for (const { arenaBytes, arenaLowerBound } of plans) {
      expect(arenaBytes).toBeGreaterThanOrEqual(arenaLowerBound);
      expect(arenaBytes).toBeLessThanOrEqual(1.25 * arenaLowerBound);
    }
    expect(plans.filter(({ arenaBytes, arenaLowerBound }) => arenaBytes === arenaLowerBound).length).toBeGreaterThan(250);
  });

  it("an operator overwrites an input that dies", () => {
    const [x, a, b] = [value("x", [4, 4]), value("a"), value("b")];
    expect(planOf({ inputs: [x], outputs: [b], nodes: [node("increment", [x], [a]), node("increment", [a], [b])] }).arenaBytes).toBe(64);
  });

  it("no operator overwrites an input of which it reads a part out of step", () => {
    const [x, top, rest, y] = [value("x", [4, 4]), value("top"), value("rest"), value("y")];
    const cut = node("split", [x], [top, rest], { axis: 0, sizes: [1, 3] });
    expectNaive({ inputs: [x], outputs: [y], nodes: [cut, node("sum", [x, top], [y])] });
    expectNaive({ inputs: [x], outputs: [y], nodes: [node("add_reversed", [x, x], [y])] });
  });

  it("inputs of a concatenation are written straight into it, one after another", () => {
    const [x, a, b, y] = [value("x", [2, 8]), value("a"), value("b"), value("y")];
    const graph = {
      inputs: [x],
      outputs: [y],
      nodes: [node("copy", [x], [a]), node("increment", [x], [b]), node("concat", [a, b], [y], { axis: 0 })],
    };
    const { steps, arenaBytes } = planOf(graph);
    expect(steps.map((step) => step.node)).toEqual(["a", "b"]);
    expect(arenaBytes).toBe(128);
  });

  it.each(["copy", "copy_host"])("inputs of a concatenation are written into its rows (%s)", (op) => {
    const [x, a, b, y] = [value("x", [2, 8]), value("a"), value("b"), value("y")];
    const graph = { inputs: [x], outputs: [y], nodes: [node(op, [x], [a]), node(op, [x], [b]), node("concat", [a, b], [y], { axis: 1 })] };
    expect(planOf(graph).steps.some((step) => step.op === "concat")).toBe(false);
    expectNaive(graph);
  });

  it("concatenations in concatenations have their room from their first part on", () => {
    const [x, a, b, inner, other, y] = [value("x", [3, 4]), value("a"), value("b"), value("inner"), value("other"), value("y")];
    for (const [innerAxis, axis] of [
      [1, 1],
      [0, 0],
      [0, 1],
      [1, 0],
    ] as const) {
      const graph = {
        inputs: [x],
        outputs: [y],
        nodes: [
          node("copy", [x], [a]),
          node("copy", [x], [b]),
          node("concat", [a, b], [inner], { axis: innerAxis }),
          node("copy", [inner], [other]),
          node("concat", [other, inner], [y], { axis }),
        ],
      };
      expectNaive(graph);
    }
    const nested = [
      node("copy", [x], [a]),
      node("copy", [x], [b]),
      node("concat", [a, b], [inner], { axis: 1 }),
      node("copy", [x], [other]),
    ];
    const graph = { inputs: [x], outputs: [y], nodes: [...nested, node("concat", [other, inner], [y], { axis: 1 })] };
    expect(planOf(graph).steps.map((step) => step.node)).toEqual(["a", "b", "other"]);
    expectNaive(graph);
  });
});
