import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { constantValue } from "../../src/graph/constant.ts";
import type { Graph, Node, Value } from "../../src/graph/types.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { inferGraph } from "../../src/plan/infer.ts";
import { splitAtDynamic } from "../../src/plan/split.ts";
import { Model } from "../../src/runtime/model.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { TEST_OPS } from "./random-graphs.ts";

const module = new WebAssembly.Module(readFileSync(new URL("../../dist/simd128.wasm", import.meta.url)));
const OPS = { ...ALL_OPS, ...TEST_OPS };
const modelOf = (graph: Graph) => new Model(graph, module, { tier: "simd128", memory: "fast", ops: OPS });
const value = (name: string, dataType?: "float32" | "int64", shape: number[] = []): Value => ({
  name,
  ...(dataType && { type: { dataType, shape } }),
});
const node = (op: string, inputs: Value[], outputs: Value[], attributes = {}): Node => ({ op, name: op, inputs, outputs, attributes });
const partsOf = (graph: Graph) => splitAtDynamic(graph, inferGraph(graph, OPS));

/** x + 1, its elements that are not 0, counted, and x + 1 again beside. */
function nonZeroGraph(): Graph {
  const x = value("x", "float32", [4]);
  const [y, found, flat, z] = [value("y"), value("found"), value("flat"), value("z")];
  return {
    inputs: [x],
    outputs: [flat, z],
    nodes: [
      node("increment", [x], [y]),
      node("non_zero", [y], [found]),
      node("reshape", [found], [flat], { shape: [-1] }),
      node("increment", [y], [z]),
    ],
  };
}

/** x in a shape that an input tells. */
function reshapeGraph(): Graph {
  const [x, shape] = [value("x", "float32", [6]), value("shape", "int64", [2])];
  const [y, z] = [value("y"), value("z")];
  return { inputs: [x, shape], outputs: [z], nodes: [node("reshape", [x, shape], [y]), node("increment", [y], [z])] };
}

describe("a graph is cut", () => {
  it("nowhere, while all shapes are known", () => {
    const x = value("x", "float32", [2]);
    const y = value("y");
    const graph = { inputs: [x], outputs: [y], nodes: [node("increment", [x], [y])] };
    expect(partsOf(graph)).toEqual({ head: graph, continuation: undefined });
  });

  it("before an operator whose output shapes depend on data, which is run by itself", () => {
    const { head, continuation } = partsOf(nonZeroGraph());
    expect(head.nodes.map(({ op }) => op)).toEqual(["increment"]);
    expect(head.outputs.map(({ name }) => name)).toEqual(["y"]);
    expect(continuation!.node!.op).toBe("non_zero");
    expect(continuation!.seeds).toEqual([]);
    expect(continuation!.rest.inputs.map(({ name }) => name)).toEqual(["y", "found"]);
    expect(continuation!.rest.nodes.map(({ op }) => op)).toEqual(["reshape", "increment"]);
  });

  it("before an operator that must know elements to tell its shape", () => {
    const { head, continuation } = partsOf(reshapeGraph());
    expect(head.nodes).toEqual([]);
    expect(continuation!.node).toBeUndefined();
    expect(continuation!.seeds.map(({ name }) => name)).toEqual(["shape"]);
  });

  it("not where the elements are constants", () => {
    const graph = reshapeGraph();
    const shape = constantValue("shape", "int64", [2], BigInt64Array.of(2n, 3n));
    graph.inputs = [graph.inputs[0]!];
    graph.nodes[0]!.inputs[1] = shape;
    expect(partsOf(graph).continuation).toBeUndefined();
  });
});

describe("a run goes on past the cut", () => {
  it("with other numbers of elements each time", () => {
    const model = modelOf(nonZeroGraph());
    const run = (...data: number[]) => {
      const { flat, z } = model.runSync({ x: new Tensor("float32", [4], data) });
      return [Array.from(flat!.data as BigInt64Array, Number), Array.from(z!.data as Float32Array)];
    };
    expect(run(-1, 1, -1, 5)).toEqual([
      [1, 3],
      [1, 3, 1, 7],
    ]);
    expect(run(-1, -1, -1, -1)).toEqual([[], [1, 1, 1, 1]]);
    expect(run(1, 2, 3, 4)).toEqual([
      [0, 1, 2, 3],
      [3, 4, 5, 6],
    ]);
    expect(model.plan().partial).toBe(true);
  });

  it("with shapes that come from the data", () => {
    const model = modelOf(reshapeGraph());
    const run = (...shape: number[]) =>
      model.runSync({ x: new Tensor("float32", [6], [1, 2, 3, 4, 5, 6]), shape: new Tensor("int64", [2], shape) }).z!;
    expect(run(2, 3).shape).toEqual([2, 3]);
    expect(run(6, 1).shape).toEqual([6, 1]);
    expect([...(run(3, -1).data as Float32Array)]).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it("and a run that fails there leaves the model usable", () => {
    const model = modelOf(reshapeGraph());
    const run = (...shape: number[]) =>
      model.runSync({ x: new Tensor("float32", [6], [1, 2, 3, 4, 5, 6]), shape: new Tensor("int64", [2], shape) }).z!;
    expect(() => run(4, 2)).toThrow(/node "reshape" \(reshape\): /);
    expect(run(2, 3).shape).toEqual([2, 3]);
  });

  it("holds its memory while the data's shapes recur", () => {
    const model = modelOf(nonZeroGraph());
    const runAll = () => {
      for (let n = 0; n <= 4; n++)
        model.runSync({
          x: new Tensor(
            "float32",
            [4],
            [0, 1, 2, 3].map((i) => (i < n ? 1 : -1)),
          ),
        });
    };
    runAll();
    const before = model.memoryBytes;
    for (let i = 0; i < 50; i++) runAll();
    expect(model.memoryBytes).toBe(before);
  });
});
