// Small models for the tests of the public API.
import { readFileSync } from "node:fs";
import { writeCompact } from "../../src/format/write.ts";
import { constantValue } from "../../src/graph/constant.ts";
import type { Attributes, DataType, Graph, Node, Value } from "../../src/graph/types.ts";
import { defineOp } from "../../src/ops/define.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { Model } from "../../src/runtime/model.ts";

export const kernelBytes: Uint8Array = readFileSync(new URL("../../dist/simd128.wasm", import.meta.url));
const module = new WebAssembly.Module(kernelBytes as BufferSource);

export const input = (name: string, dataType: DataType, shape: number[]): Value => ({ name, type: { dataType, shape } });
export const node = (op: string, inputs: Value[], outputs: Value[], attributes: Attributes = {}): Node => ({
  op,
  name: `${op}_of_${inputs[0]?.name}`,
  inputs,
  outputs,
  attributes,
});

/** Takes `x` [2, 3], gives `y` [3, 2] transposed and `z` [2, 5] with a constant beside it. */
export function transposeGraph(): Graph {
  const x = input("x", "float32", [2, 3]);
  const tail = constantValue("tail", "float32", [2, 2], Float32Array.of(7, 8, 9, 10));
  const [y, z]: Value[] = [{ name: "y" }, { name: "z" }];
  return {
    inputs: [x],
    outputs: [y!, z!],
    nodes: [node("transpose", [x], [y!], { perm: [1, 0] }), node("concat", [x, tail], [z!], { axis: 1 })],
  };
}

/** The bytes of `transposeGraph`. */
export const transposeModel = (): Uint8Array => writeCompact(transposeGraph());

/** y = x + 1 in TypeScript; each takes `ms` of waiting. */
export const slowIncrement = (ms: number) =>
  defineOp({
    name: "increment",
    infer: ({ inputs }) => [inputs[0]!],
    host({ inputs: [x], outputs: [y] }) {
      const end = performance.now() + ms;
      while (performance.now() < end);
      for (let i = 0; i < y!.data.length; i++) y!.data[i] = (x!.data[i] as number) + 1;
    },
  });

/** y = x + `steps`, a step for each, over any number of rows of two. */
export function countingModel(steps: number, ms = 0, rows = Number.NaN): Model {
  const x = input("x", "float32", [rows, 2]);
  const values = Array.from({ length: steps }, (_, i): Value => ({ name: i === steps - 1 ? "y" : `v${i}` }));
  const nodes = values.map((value, i) => node("increment", [i === 0 ? x : values[i - 1]!], [value]));
  const graph = { inputs: [x], outputs: [values.at(-1)!], nodes };
  return new Model(graph, module, { tier: "simd128", memory: "fast", ops: { ...ALL_OPS, increment: slowIncrement(ms) } });
}
