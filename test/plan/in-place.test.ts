// Operators that may overwrite an input give the same result where they do.
import { describe, expect, it } from "vitest";
import { constantValue } from "../../src/graph/constant.ts";
import type { Attributes, Graph, Quantization, TypedArray, Value } from "../../src/graph/types.ts";
import { sizeOf } from "../../src/graph/types.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { modelOf } from "../support/run-op.ts";

type Shape = readonly number[];
interface Case {
  readonly op: string;
  /** Which input is overwritten; the others are constants. */
  readonly over: number;
  readonly inputs: readonly (Shape | null)[];
  readonly attributes?: Attributes;
  readonly indices?: { readonly [input: number]: readonly bigint[] };
  readonly int8?: boolean;
}

const CASES: readonly Case[] = [
  { op: "conv2d", over: 3, inputs: [[1, 9, 7, 16], [24, 3, 3, 16], [24], [1, 9, 7, 24]], attributes: { autoPad: "same_upper", min: 0 } },
  { op: "conv2d", over: 3, inputs: [[1, 7, 7, 700], [33, 1, 1, 700], [33], [1, 7, 7, 33]] },
  { op: "conv2d", over: 3, inputs: [[1, 6, 6, 90], [17, 5, 5, 90], [17], [1, 2, 2, 17]] },
  { op: "conv2d", over: 3, inputs: [[1, 9, 9, 24], [24, 3, 3, 1], [24], [1, 9, 9, 24]], attributes: { groups: 24, autoPad: "same_upper" } },
  { op: "conv2d", over: 3, inputs: [[1, 1, 1, 700], [33, 1, 1, 700], [33], [1, 1, 1, 33]], attributes: { activation: "sigmoid" } },
  { op: "matmul", over: 3, inputs: [[35, 700], [20, 700], [20], [35, 20]], attributes: { transposeB: true } },
  { op: "matmul", over: 3, inputs: [[1, 700], [20, 700], [20], [1, 20]], attributes: { transposeB: true } },
  { op: "matmul", over: 3, inputs: [[3, 11, 530], [3, 530, 13], null, [3, 11, 13]] },
  { op: "add", over: 0, inputs: [[5, 33], [33]] },
  {
    op: "sub",
    over: 1,
    inputs: [
      [5, 1],
      [5, 33],
    ],
  },
  { op: "mul", over: 1, inputs: [[1], [5, 33]], attributes: { min: 0 } },
  { op: "where", over: 2, inputs: [[5, 33], [33], [5, 33]] },
  { op: "softmax", over: 0, inputs: [[5, 33]] },
  { op: "softmax", over: 0, inputs: [[5, 33, 3]], attributes: { axis: 1 } },
  { op: "layer_norm", over: 0, inputs: [[5, 33], [33], [33]] },
  { op: "rms_norm", over: 0, inputs: [[5, 33], [33]] },
  { op: "group_norm", over: 0, inputs: [[2, 5, 12], [12], [12]], attributes: { groups: 3 } },
  { op: "gelu", over: 0, inputs: [[5, 33]] },
  { op: "clamp", over: 0, inputs: [[5, 33]], attributes: { min: 0.2 } },
  { op: "prelu", over: 0, inputs: [[5, 33], [33]] },
  {
    op: "scatter_nd",
    over: 0,
    inputs: [
      [5, 3],
      [2, 1],
      [2, 3],
    ],
    indices: { 1: [3n, 0n] },
  },
  {
    op: "add",
    over: 0,
    inputs: [
      [5, 33],
      [5, 33],
    ],
    int8: true,
  },
  { op: "conv2d", over: 3, inputs: [[1, 7, 7, 600], [33, 1, 1, 600], null, [1, 7, 7, 33]], int8: true },
];

const QUANT: Quantization = { scale: [0.02], zeroPoint: [3] };

function elements({ int8, op }: Case, index: number, shape: Shape): TypedArray {
  const value = (i: number) => Math.sin(i * 12.9898 + index) * 0.5;
  const length = sizeOf(shape);
  if (op === "where" && index === 0) return Uint8Array.from({ length }, (_, i) => i & 1);
  return int8 ? Int8Array.from({ length }, (_, i) => value(i) * 200) : Float32Array.from({ length }, (_, i) => value(i));
}

/** The operator behind a reshape of its input, which it may overwrite unless that is an output too. */
function graphOf(test: Case, keep: boolean): { graph: Graph; x: Tensor } {
  const dataType = test.int8 ? "int8" : "float32";
  const quant = test.int8 ? QUANT : undefined;
  const shape = test.inputs[test.over]!;
  const x: Value = { name: "x", type: { dataType, shape }, quant };
  const values = test.inputs.map((dims, i): Value | null => {
    if (!dims || i === test.over) return dims && x;
    const indices = test.indices?.[i];
    if (indices) return constantValue(`c${i}`, "int64", dims, BigInt64Array.from(indices));
    const isBool = test.op === "where" && i === 0;
    return constantValue(`c${i}`, isBool ? "bool" : dataType, dims, elements(test, i, dims), isBool ? undefined : quant);
  });
  const y: Value = { name: "y", quant };
  const node = { op: test.op, name: test.op, inputs: values, outputs: [y], attributes: test.attributes ?? {} };
  const graph = { inputs: [x], outputs: keep ? [y, x] : [y], nodes: [node], outputNames: ["y", "kept"] };
  return { graph, x: new Tensor(dataType, shape, elements(test, test.over, shape)) };
}

describe("in place", () => {
  it.each(
    CASES.map((test) => [`${test.op} ${test.inputs.map((dims) => `[${dims ?? ""}]`).join(" ")}${test.int8 ? " int8" : ""}`, test] as const),
  )("%s", (_, test) => {
    const [apart, inPlace] = [graphOf(test, true), graphOf(test, false)];
    const [one, other] = [modelOf(apart.graph), modelOf(inPlace.graph)];
    const { dataType, shape } = other.outputs.y!;
    const bytes = sizeOf(shape as number[]) * (dataType === "int8" ? 1 : 4);
    expect(other.plan().lifetimes.filter((block) => block.bytes === bytes && !block.name.endsWith("scratch")).length).toBe(1);
    expect(other.runSync({ x: inPlace.x }).y).toEqual(one.runSync({ x: apart.x }).y);
  });
});
