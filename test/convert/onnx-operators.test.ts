// What ONNX nodes become: the forms that attributes and inputs had over the opsets, layouts, names, and data types.
import { describe, expect, test } from "vitest";
import { importOnnx } from "../../src/convert/onnx/import.ts";
import { constantElements } from "../../src/graph/constant.ts";
import { printGraph } from "../../src/graph/print.ts";
import type { Constant, Value } from "../../src/graph/types.ts";
import { optimizeGraph } from "../../src/passes/index.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { type OnnxAttribute, type OnnxModel, type OnnxNode, type OnnxTensor, type OnnxValue, writeOnnx } from "../support/onnx.ts";
import { modelOf } from "../support/run-op.ts";

const print = (model: OnnxModel): string => printGraph(importOnnx(writeOnnx(model)));

const int64s = (name: string, ...values: number[]): OnnxTensor => ({ name, type: "int64", dims: [values.length], int64s: values });
const float = (name: string, value: number): OnnxTensor => ({ name, dims: [], floats: [value] });

/** The nodes that one node on x becomes. */
function nodesOf(
  op: string,
  opset: number,
  attributes: { [name: string]: OnnxAttribute } = {},
  initializers: readonly OnnxTensor[] = [],
  x: OnnxValue = { name: "x", shape: [1, 4, 6, 6] },
): string {
  const inputs = [x.name, ...initializers.map(({ name }) => name!)];
  const text = print({ opset, nodes: [{ op, inputs, outputs: ["y"], attributes }], inputs: [x], outputs: [{ name: "y" }], initializers });
  return text
    .split("\n")
    .filter((line) => line.includes(" = "))
    .join("\n");
}

describe("attributes that became inputs", () => {
  test("both forms give one graph", () => {
    const axes = { ints: [2, 3] };
    const pads = [0, 0, 1, 2, 0, 0, 3, 4];
    const same: readonly [
      op: string,
      before: number,
      attributes: { [name: string]: OnnxAttribute },
      after: number,
      inputs: OnnxTensor[],
      kept?: { [name: string]: OnnxAttribute },
    ][] = [
      ["Squeeze", 11, { axes: { ints: [0] } }, 13, [int64s("a", 0)]],
      ["Unsqueeze", 11, { axes: { ints: [0] } }, 13, [int64s("a", 0)]],
      ["ReduceSum", 11, { axes }, 13, [int64s("a", 2, 3)]],
      ["ReduceMean", 13, { axes }, 18, [int64s("a", 2, 3)]],
      ["Clip", 6, { min: { float: 0 }, max: { float: 6 } }, 11, [float("a", 0), float("b", 6)]],
      [
        "Slice",
        9,
        { starts: { ints: [1] }, ends: { ints: [3] }, axes: { ints: [2] } },
        10,
        [int64s("a", 1), int64s("b", 3), int64s("c", 2)],
      ],
      ["Pad", 2, { pads: { ints: pads }, value: { float: 1 } }, 11, [int64s("a", ...pads), float("b", 1)]],
      ["Split", 11, { split: { ints: [4] }, axis: { int: 1 } }, 13, [int64s("a", 4)], { axis: { int: 1 } }],
      ["Upsample", 7, { scales: { floats: [1, 1, 2, 2] } }, 9, [{ name: "a", dims: [4], floats: [1, 1, 2, 2] }]],
    ];
    for (const [op, before, attributes, after, inputs, kept] of same)
      expect(nodesOf(op, after, kept, inputs), op).toBe(nodesOf(op, before, attributes));
  });

  test("softmax takes all axes from its own on before opset 13", () => {
    expect(nodesOf("Softmax", 13, { axis: { int: 2 } })).toMatchInlineSnapshot(`"%y:f32[1,4,6,6] = softmax(%x) {axis=2}"`);
    expect(nodesOf("Softmax", 11, { axis: { int: 2 } })).toMatchInlineSnapshot(`
      "%y/flatten:? = flatten(%x) {axis=2}
      %y/softmax:? = softmax(%y/flatten)
      %y:f32[1,4,6,6] = reshape(%y/softmax) {shape=[1,4,6,6]}"
    `);
    expect(nodesOf("Softmax", 11, {}, [], { name: "x", shape: [1, 10, 1, 1] })).toMatchInlineSnapshot(
      `"%y:f32[1,10,1,1] = softmax(%x) {axis=1}"`,
    );
  });

  test("axes of Pad are spread over all, and negative pads cut", () => {
    expect(nodesOf("Pad", 18, {}, [int64s("a", 1, -2), float("b", 0), int64s("c", -1)])).toMatchInlineSnapshot(`
      "%y/slice:? = slice(%x) {starts=[0] ends=[-2] axes=[3]}
      %y:f32[1,4,6,5] = pad(%y/slice) {mode="constant" pads=[0,0,0,1,0,0,0,0] value=0}"
    `);
  });
});

describe("layout", () => {
  const weight: OnnxTensor = { name: "w", dims: [2, 4, 3, 1], floats: Array.from({ length: 24 }, (_, i) => i) };

  test("images are NHWC and weights OHWI, and a chain has transposes at its ends", () => {
    const nodes: OnnxNode[] = [
      { op: "Conv", inputs: ["x", "w"], outputs: ["c"], attributes: { pads: { ints: [1, 0, 1, 0] } } },
      { op: "MaxPool", inputs: ["c"], outputs: ["y"], attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } } },
    ];
    const model = { nodes, inputs: [{ name: "x", shape: ["n", 4, 6, 6] }], outputs: [{ name: "y" }], initializers: [weight] };
    expect(print(model)).toMatchInlineSnapshot(`
      "input %x:f32[?,4,6,6]
      const #w_1:f32[2,3,1,4]
      %c/transpose:? = transpose(%x) {perm=[0,2,3,1]}
      %c/conv2d:? = conv2d(%c/transpose, #w_1) {padding=[1,0,1,0]}
      %c:? = transpose(%c/conv2d) {perm=[0,3,1,2]}
      %y/max_pool2d:? = max_pool2d(%c/conv2d) {kernel=[2,2] strides=[2,2]}
      %y:f32[?,2,3,3] = transpose(%y/max_pool2d) {perm=[0,3,1,2]}
      output %y as "y""
    `);
    const graph = importOnnx(writeOnnx(model));
    const stored = graph.nodes.find(({ op }) => op === "conv2d")!.inputs[1] as Value & { constant: Constant };
    expect(Array.from(constantElements(stored) as Float32Array).slice(0, 8)).toEqual([0, 3, 6, 9, 1, 4, 7, 10]);
  });

  test("one spatial axis is an image of one row", () => {
    const flat: OnnxTensor = { name: "w", dims: [2, 4, 3], floats: new Array(24).fill(1) };
    expect(nodesOf("Conv", 11, { pads: { ints: [1, 1] } }, [flat], { name: "x", shape: [1, 4, 9] })).toMatchInlineSnapshot(`
      "%y/transpose:? = transpose(%x) {perm=[0,2,1]}
      %y/unsqueeze:? = unsqueeze(%y/transpose) {axes=[1]}
      %y/conv2d:? = conv2d(%y/unsqueeze, #w_1_1) {padding=[0,1,0,1]}
      %y/squeeze:? = squeeze(%y/conv2d) {axes=[1]}
      %y:f32[1,2,9] = transpose(%y/squeeze) {perm=[0,2,1]}"
    `);
  });
});

describe("names and types", () => {
  test("outputs keep their names where several are one value", () => {
    const nodes: OnnxNode[] = [
      { op: "Relu", inputs: ["x"], outputs: ["r"] },
      { op: "Identity", inputs: ["r"], outputs: ["same"] },
    ];
    const outputs = [{ name: "r" }, { name: "same" }];
    const graph = importOnnx(writeOnnx({ nodes, inputs: [{ name: "x", shape: ["batch", 3] }], outputs }));
    expect(graph.outputNames).toEqual(["r", "same"]);
    expect(graph.inputs[0]!.type).toEqual({ dataType: "float32", shape: [Number.NaN, 3] });
  });

  test("an input with an initializer is a constant", () => {
    const model = { nodes: [{ op: "Add", inputs: ["x", "b"], outputs: ["y"] }], outputs: [{ name: "y" }], initializers: [float("b", 2)] };
    const graph = importOnnx(
      writeOnnx({
        ...model,
        inputs: [
          { name: "x", shape: [2] },
          { name: "b", shape: [] },
        ],
      }),
    );
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  test("nodes out of order are put in order", () => {
    const nodes: OnnxNode[] = [
      { op: "Relu", inputs: ["u"], outputs: ["y"] },
      { op: "Neg", inputs: ["x"], outputs: ["u"] },
    ];
    const graph = importOnnx(writeOnnx({ nodes, inputs: [{ name: "x", shape: [2] }], outputs: [{ name: "y" }] }));
    expect(graph.nodes.map(({ op }) => op)).toEqual(["neg", "clamp"]);
  });

  test("bfloat16 is widened, integers of 4 bits are unpacked", () => {
    const elements = (tensor: OnnxTensor) => {
      const graph = importOnnx(
        writeOnnx({
          nodes: [{ op: "Identity", inputs: ["c"], outputs: ["y"] }],
          outputs: [{ name: "y" }],
          initializers: [{ ...tensor, name: "c" }],
        }),
      );
      return Array.from(constantElements(graph.outputs[0] as Value & { constant: Constant }) as Int8Array);
    };
    expect(elements({ type: "bfloat16", dims: [2], raw: Uint8Array.of(0x80, 0x3f, 0x00, 0xc0) })).toEqual([1, -2]);
    expect(elements({ type: "int4", dims: [3], raw: Uint8Array.of(0xf1, 0x08) })).toEqual([1, -1, -8]);
    expect(elements({ type: "uint4", dims: [3], int32s: [0xf1, 0x08] })).toEqual([1, 15, 8]);
  });
});

describe("quantized operators", () => {
  const raw = (name: string, type: "uint8" | "int8", dims: number[], ...bytes: number[]): OnnxTensor => ({
    name,
    type,
    dims,
    raw: Uint8Array.from(bytes),
  });
  const scale = (name: string, value: number) => float(name, value);
  const scales = ["xs", "xz", "ws", "wz", "ys", "yz"];
  const initializers = [
    scale("xs", 0.5),
    raw("xz", "uint8", [], 130),
    scale("ws", 0.25),
    raw("wz", "int8", [], 0),
    scale("ys", 2),
    raw("yz", "uint8", [], 127),
    raw("w", "int8", [1, 2, 1, 1], 3, 253),
  ];
  const [xs, xz, ws, wz, ys, yz] = scales as [string, string, string, string, string, string];

  test("constant scales give int8 values, also through operators that move elements", () => {
    const nodes: OnnxNode[] = [
      { op: "QuantizeLinear", inputs: ["x", xs, xz], outputs: ["q"] },
      { op: "QLinearConv", inputs: ["q", xs, xz, "w", ws, wz, ys, yz], outputs: ["c"] },
      { op: "MaxPool", inputs: ["c"], outputs: ["m"], attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } } },
      { op: "QLinearAdd", domain: "com.microsoft", inputs: ["m", ys, yz, "m", ys, yz, xs, xz], outputs: ["a"] },
      { op: "DequantizeLinear", inputs: ["a", xs, xz], outputs: ["y"] },
    ];
    const model = {
      nodes,
      inputs: [{ name: "x", shape: [1, 2, 4, 4] }],
      outputs: [{ name: "y" }],
      initializers,
      domains: { "com.microsoft": 1 },
    };
    expect(printGraph(optimizeGraph(importOnnx(writeOnnx(model))))).toMatchInlineSnapshot(`
      "input %x:f32[1,2,4,4]
      const #w_1_1:i8[1,1,1,2] q(0.2500,0)
      %c/quantize:i8[1,2,4,4] q(0.5000,2) = quantize(%x) {dataType="int8"}
      %c/transpose:i8[1,4,4,2] q(0.5000,2) = transpose(%c/quantize) {perm=[0,2,3,1]}
      %c/conv2d:i8[1,4,4,1] q(2.000,-1) = conv2d(%c/transpose, #w_1_1)
      %a/max_pool2d:i8[1,2,2,1] q(2.000,-1) = max_pool2d(%c/conv2d) {kernel=[2,2] strides=[2,2]}
      %a/transpose_1:i8[1,1,2,2] q(2.000,-1) = reshape(%a/max_pool2d) {shape=[1,1,2,2]}
      %a/add:i8[1,1,2,2] q(0.5000,2) = add(%a/transpose_1, %a/transpose_1)
      %y:f32[1,1,2,2] = dequantize(%a/add)
      output %y as "y""
    `);
  });

  test("scales that are inputs are computed with", () => {
    const inputs: OnnxValue[] = [
      { name: "x", type: "uint8", shape: [1, 2, 4, 4] },
      { name: "s", shape: [] },
    ];
    const nodes: OnnxNode[] = [{ op: "QLinearConv", inputs: ["x", "s", xz, "w", ws, wz, ys, yz], outputs: ["y"] }];
    const ops = importOnnx(writeOnnx({ nodes, inputs, outputs: [{ name: "y", type: "uint8" }], initializers })).nodes.map(({ op }) => op);
    expect(ops.filter((op) => op !== "transpose")).toEqual([
      "dequantize_linear",
      "dequantize_linear",
      "dequantize_linear",
      "conv2d",
      "quantize_linear",
    ]);
  });
});

describe("functions and nested graphs", () => {
  const inputs = [{ name: "x", shape: [2] }];
  const outputs = [{ name: "y" }];

  test("a function of the model is inlined with the attributes of its call", () => {
    const leaky: OnnxNode = { op: "LeakyRelu", inputs: ["a"], outputs: ["b"], attributes: { alpha: { reference: "slope", type: 1 } } };
    const functions = [
      { name: "Twice", domain: "own", inputs: ["a"], outputs: ["c"], nodes: [leaky, { op: "Add", inputs: ["b", "b"], outputs: ["c"] }] },
    ];
    const call: OnnxNode = {
      op: "Twice",
      domain: "own",
      name: "call",
      inputs: ["x"],
      outputs: ["y"],
      attributes: { slope: { float: 0.5 } },
    };
    expect(print({ nodes: [call], inputs, outputs, functions, domains: { own: 1 } })).toMatchInlineSnapshot(`
      "input %x:f32[2]
      %call/b:? = leaky_relu(%x) {alpha=0.5}
      %call/c:f32[2] = add(%call/b, %call/b)
      output %call/c as "y""
    `);
  });

  test("a loop of known length is unrolled", () => {
    const body = {
      nodes: [
        { op: "Identity", inputs: ["going"], outputs: ["goes"] },
        { op: "Add", inputs: ["sum", "x"], outputs: ["next"] },
      ],
      inputs: [{ name: "round", type: "int64" as const }, { name: "going", type: "bool" as const }, { name: "sum" }],
      outputs: [{ name: "goes" }, { name: "next" }, { name: "next" }],
    };
    const loop: OnnxNode = { op: "Loop", inputs: ["rounds", "", "x"], outputs: ["last", "y"], attributes: { body: { graph: body } } };
    const graph = importOnnx(
      writeOnnx({ nodes: [loop], inputs, outputs, initializers: [{ name: "rounds", type: "int64", dims: [], int64s: [3] }] }),
    );
    const { y } = modelOf(graph).runSync({ x: new Tensor("float32", [2], [1, 10]) });
    expect(y!.shape).toEqual([3, 2]);
    expect(Array.from(y!.data as Float32Array)).toEqual([2, 20, 3, 30, 4, 40]);
  });
});
