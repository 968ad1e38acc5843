// What each operator of the format becomes: one line of the graph, or a few.
import { describe, expect, test } from "vitest";
import { importTflite } from "../../src/convert/tflite/index.ts";
import { BUILTIN_IMPORTS } from "../../src/convert/tflite/operators/index.ts";
import { BUILTIN_OPERATORS } from "../../src/convert/tflite/schema.ts";
import { printGraph } from "../../src/graph/print.ts";
import { type OptionField, type TensorSpec, writeTflite } from "../support/tflite.ts";

const i32 = (...values: number[]): TensorSpec => ({ type: "int32", shape: [values.length], data: Int32Array.from(values) });
const scalar = (value: number): TensorSpec => ({ type: "int32", shape: [], data: Int32Array.of(value) });
const f32 = (...shape: number[]): TensorSpec => ({ shape });
const weights = (...shape: number[]): TensorSpec => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
const int8 = (shape: number[], scale: number, zero: number): TensorSpec => ({ type: "int8", shape, scale: [scale], zeroPoint: [zero] });

interface Case {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly options?: readonly [kind: number, ...fields: OptionField[]];
  readonly customOptions?: Uint8Array;
}

/** The nodes and constants that one operator becomes; its inputs are called a, b, c …, its outputs y, y1 … */
function imported(name: string, { inputs, outputs, options, customOptions }: Case): string {
  const op = BUILTIN_OPERATORS.includes(name) ? BUILTIN_OPERATORS.indexOf(name) : name;
  const named = [
    ...inputs.map((tensor, i) => ({ name: "abcdefgh"[i]!, ...tensor })),
    ...outputs.map((tensor, i) => ({ name: i ? `y${i}` : "y", ...tensor })),
  ];
  const indices = named.map((_, i) => i);
  const outputIndices = indices.slice(inputs.length);
  const graph = importTflite(
    writeTflite({
      tensors: named,
      operators: [
        {
          op,
          inputs: indices.slice(0, inputs.length),
          outputs: outputIndices,
          ...(options && { options }),
          ...(customOptions && { customOptions }),
        },
      ],
      inputs: indices.slice(0, inputs.length).filter((i) => !named[i]!.data),
      outputs: outputIndices,
    }),
  );
  return printGraph(graph)
    .split("\n")
    .filter((line) => !/^(input|output) /.test(line))
    .join("\n");
}

describe("convolutions", () => {
  test("CONV_2D takes groups from the weights, and its activation as bounds", () => {
    const options = [1, [0, "byte", 0], [1, "int", 2], [2, "int", 1], [3, "byte", 3], [4, "int", 3], [5, "int", 1]] as const;
    const text = imported("CONV_2D", { inputs: [f32(1, 8, 8, 6), weights(4, 3, 3, 3), weights(4)], outputs: [f32(1, 8, 4, 4)], options });
    expect(text).toMatchInlineSnapshot(`
      "const #b:f32[4,3,3,3]
      const #c:f32[4]
      %y:f32[1,8,4,4] = conv2d(%a, #b, #c) {strides=[1,2] dilations=[1,3] autoPad="same_upper" groups=2 min=0 max=6}"
    `);
  });

  test("DEPTHWISE_CONV_2D turns its weights, and their axis of quantization", () => {
    const weight = {
      type: "int8",
      shape: [1, 1, 2, 3],
      data: Int8Array.of(1, 2, 3, 4, 5, 6),
      scale: [1, 2, 4],
      zeroPoint: [0, 0, 0],
      axis: 3,
    } as const;
    const model = writeTflite({
      tensors: [
        { ...int8([1, 4, 4, 3], 0.5, 3), name: "x" },
        { ...weight, name: "w" },
        { ...int8([1, 4, 3, 3], 0.25, -1), name: "y" },
      ],
      operators: [
        { op: 4, inputs: [0, 1], outputs: [2], options: [2, [0, "byte", 1], [1, "int", 1], [2, "int", 1], [3, "int", 1], [4, "byte", 1]] },
      ],
      inputs: [0],
      outputs: [2],
    });
    const graph = importTflite(model);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input %x:i8[1,4,4,3] q(0.5000,3)
      const #w/ohwi:i8[3,1,2,1] q×3
      %y:i8[1,4,3,3] q(0.2500,-1) = conv2d(%x, #w/ohwi, –) {strides=[1,1] dilations=[1,1] autoPad="valid" groups=3 min=0}
      output %y as "y""
    `);
    const turned = graph.nodes[0]!.inputs[1]!;
    expect([...turned.constant!.bytes]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(turned.quant).toEqual({ scale: [1, 2, 4], zeroPoint: [0, 0, 0], axis: 0 });
  });

  test("TRANSPOSE_CONV crops what the padding of the forward convolution would add", () => {
    const inputs = [i32(1, 8, 8, 2), weights(2, 3, 3, 4), f32(1, 4, 4, 4)];
    const options = (padding: number) => [49, [0, "byte", padding], [1, "int", 2], [2, "int", 2]] as const;
    expect(imported("TRANSPOSE_CONV", { inputs, outputs: [f32(1, 8, 8, 2)], options: options(0) })).toMatchInlineSnapshot(`
      "const #b:f32[2,3,3,4]
      %y:f32[1,8,8,2] = conv_transpose2d(%c, #b, –) {strides=[2,2] padding=[0,0,1,1] outputPadding=[0,0]}"
    `);
    expect(
      imported("TRANSPOSE_CONV", { inputs: [i32(1, 10, 9, 2), ...inputs.slice(1)], outputs: [f32(1, 10, 9, 2)], options: options(1) }),
    ).toMatchInlineSnapshot(`
      "const #b:f32[2,3,3,4]
      %y:f32[1,10,9,2] = conv_transpose2d(%c, #b, –) {strides=[2,2] padding=[0,0,0,0] outputPadding=[1,0]}"
    `);
  });

  test("MediaPipe's transposed convolution has its options in three words", () => {
    const customOptions = new Uint8Array(Int32Array.of(1, 2, 2).buffer);
    const inputs = [f32(1, 4, 4, 4), weights(2, 3, 3, 4), weights(2)];
    expect(imported("Convolution2DTransposeBias", { inputs, outputs: [f32(1, 8, 8, 2)], customOptions })).toMatchInlineSnapshot(`
      "const #b:f32[2,3,3,4]
      const #c:f32[2]
      %y:f32[1,8,8,2] = conv_transpose2d(%a, #b, #c) {strides=[2,2] padding=[0,0,1,1] outputPadding=[0,0]}"
    `);
  });

  test("FULLY_CONNECTED flattens what is no matrix", () => {
    const layer = (x: TensorSpec, y: TensorSpec, keepNumDims = 0) =>
      imported("FULLY_CONNECTED", {
        inputs: [x, weights(5, 6), weights(5)],
        outputs: [y],
        options: [8, [0, "byte", 1], [2, "byte", keepNumDims]],
      });
    expect(layer(f32(2, 6), f32(2, 5))).toMatchInlineSnapshot(`
      "const #b:f32[5,6]
      const #c:f32[5]
      %y:f32[2,5] = matmul(%a, #b, #c) {transposeB=true min=0}"
    `);
    expect(layer(f32(2, 3, 4), f32(4, 5))).toMatchInlineSnapshot(`
      "const #b:f32[5,6]
      const #c:f32[5]
      %y/reshape:f32[?,6] = reshape(%a) {shape=[-1,6]}
      %y:f32[4,5] = matmul(%y/reshape, #b, #c) {transposeB=true min=0}"
    `);
    expect(layer(f32(2, 3, 6), f32(2, 3, 5), 1)).toMatchInlineSnapshot(`
      "const #b:f32[5,6]
      const #c:f32[5]
      %y:f32[2,3,5] = matmul(%a, #b, #c) {transposeB=true min=0}"
    `);
    expect(layer(f32(6), f32(5), 1)).toMatchInlineSnapshot(`
      "const #b:f32[5,6]
      const #c:f32[5]
      %y/reshape:f32[?,6] = reshape(%a) {shape=[-1,6]}
      %y/matmul:f32[?,5] = matmul(%y/reshape, #b, #c) {transposeB=true min=0}
      %y:f32[5] = reshape(%y/matmul) {shape=[5]}"
    `);
  });

  test("pools", () => {
    const options = (activation: number) =>
      [5, [0, "byte", 1], [1, "int", 2], [2, "int", 3], [3, "int", 4], [4, "int", 5], [5, "byte", activation]] as const;
    const shapes = { inputs: [f32(1, 8, 8, 2)], outputs: [f32(1, 2, 3, 2)] };
    expect(imported("AVERAGE_POOL_2D", { ...shapes, options: options(1) })).toMatchInlineSnapshot(
      `"%y:f32[1,2,3,2] = average_pool2d(%a) {kernel=[5,4] strides=[3,2] autoPad="valid" countIncludePad=false min=0}"`,
    );
    expect(imported("MAX_POOL_2D", { ...shapes, options: options(4) })).toMatchInlineSnapshot(`
      "%y/max_pool2d:f32[1,2,3,2] = max_pool2d(%a) {kernel=[5,4] strides=[3,2] autoPad="valid"}
      %y:f32[1,2,3,2] = tanh(%y/max_pool2d)"
    `);
    expect(imported("L2_POOL_2D", { ...shapes, options: options(0) })).toMatchInlineSnapshot(`
      "%y/square:f32[1,8,8,2] = square(%a)
      %y/average_pool2d:f32[1,2,3,2] = average_pool2d(%y/square) {kernel=[5,4] strides=[3,2] autoPad="valid"}
      %y:f32[1,2,3,2] = sqrt(%y/average_pool2d)"
    `);
  });

  test("BATCH_MATMUL", () => {
    const shapes = { inputs: [f32(2, 3, 4), f32(2, 5, 4)], outputs: [f32(2, 3, 5)] };
    expect(imported("BATCH_MATMUL", { ...shapes, options: [101, [1, "byte", 1]] })).toMatchInlineSnapshot(
      `"%y:f32[2,3,5] = matmul(%a, %b) {transposeA=false transposeB=true}"`,
    );
  });
});

describe("elementwise", () => {
  const pair = { inputs: [f32(2, 3), f32(3)], outputs: [f32(2, 3)] };

  test("fused activations stay with arithmetic", () => {
    expect(imported("ADD", { ...pair, options: [11, [0, "byte", 1]] })).toMatchInlineSnapshot(`"%y:f32[2,3] = add(%a, %b) {min=0}"`);
    expect(imported("MUL", { ...pair, options: [21, [0, "byte", 2]] })).toMatchInlineSnapshot(`"%y:f32[2,3] = mul(%a, %b) {min=-1 max=1}"`);
    expect(imported("SUB", { ...pair, options: [28, [0, "byte", 4]] })).toMatchInlineSnapshot(
      `"%y:f32[2,3] = sub(%a, %b) {activation="tanh"}"`,
    );
    expect(imported("DIV", pair)).toMatchInlineSnapshot(`"%y:f32[2,3] = div(%a, %b)"`);
  });

  test("options with a meaning of their own", () => {
    const one = { inputs: [f32(4)], outputs: [f32(4)] };
    expect(imported("LEAKY_RELU", { ...one, options: [75, [0, "float", 0.25]] })).toMatchInlineSnapshot(
      `"%y:f32[4] = leaky_relu(%a) {alpha=0.25}"`,
    );
    expect(imported("GELU", { ...one, options: [116, [0, "byte", 1]] })).toMatchInlineSnapshot(
      `"%y:f32[4] = gelu(%a) {approximate="tanh"}"`,
    );
    expect(imported("RELU_N1_TO_1", one)).toMatchInlineSnapshot(`"%y:f32[4] = clamp(%a) {min=-1 max=1}"`);
    expect(imported("CAST", { inputs: [f32(4)], outputs: [{ type: "int64", shape: [4] }] })).toMatchInlineSnapshot(
      `"%y:i64[4] = cast(%a) {dataType="int64"}"`,
    );
    expect(imported("ZEROS_LIKE", one)).toMatchInlineSnapshot(`
      "%y/shape:i32[1] = shape(%a) {dataType="int32"}
      %y:f32[4] = fill(%y/shape) {value=0 dataType="float32"}"
    `);
    expect(imported("ADD_N", { inputs: [f32(4), f32(4), f32(4)], outputs: [f32(4)] })).toMatchInlineSnapshot(`
      "%y/add:f32[4] = add(%a, %b)
      %y:f32[4] = add(%y/add, %c)"
    `);
  });

  test("SELECT with a condition for each row", () => {
    const inputs: TensorSpec[] = [{ type: "bool", shape: [4] }, f32(4, 2, 3), f32(4, 2, 3)];
    expect(imported("SELECT", { inputs, outputs: [f32(4, 2, 3)] })).toMatchInlineSnapshot(`
      "%y/reshape:bool[4,1,1] = reshape(%a) {shape=[4,1,1]}
      %y:f32[4,2,3] = where(%y/reshape, %b, %c)"
    `);
    expect(imported("SELECT_V2", { inputs, outputs: [f32(4, 2, 3)] })).toMatchInlineSnapshot(`"%y:f32[4,2,3] = where(%a, %b, %c)"`);
  });
});

describe("reductions", () => {
  test("axes become attributes where they are constant", () => {
    const options = [27, [0, "byte", 1]] as const;
    expect(imported("MEAN", { inputs: [f32(2, 3, 4), i32(1, 2)], outputs: [f32(2, 1, 1)], options })).toMatchInlineSnapshot(
      `"%y:f32[2,1,1] = reduce_mean(%a) {axes=[1,2] keepDims=true}"`,
    );
    expect(imported("SUM", { inputs: [f32(2, 3), { type: "int32", shape: [1] }], outputs: [f32(2)] })).toMatchInlineSnapshot(
      `"%y:f32[2] = reduce_sum(%a, %b) {keepDims=false noopWithEmptyAxes=true}"`,
    );
    expect(imported("ARG_MAX", { inputs: [f32(2, 3), scalar(1)], outputs: [{ type: "int32", shape: [2] }] })).toMatchInlineSnapshot(
      `"%y:i32[2] = arg_max(%a) {axis=1 keepDims=false dataType="int32"}"`,
    );
    expect(
      imported("TOPK_V2", { inputs: [f32(2, 9), scalar(4)], outputs: [f32(2, 4), { type: "int32", shape: [2, 4] }] }),
    ).toMatchInlineSnapshot(`"%y:f32[2,4], %y1:i32[2,4] = top_k(%a) {axis=-1 indexType="int32" k=4}"`);
    expect(
      imported("CUMSUM", { inputs: [f32(2, 3), scalar(-1)], outputs: [f32(2, 3)], options: [102, [1, "byte", 1]] }),
    ).toMatchInlineSnapshot(`"%y:f32[2,3] = cumsum(%a) {exclusive=false reverse=true axis=-1}"`);
  });

  test("normalizations", () => {
    expect(imported("SOFTMAX", { inputs: [f32(2, 3)], outputs: [f32(2, 3)], options: [9, [0, "float", 2]] })).toMatchInlineSnapshot(
      `"%y:f32[2,3] = softmax(%a) {axis=-1 beta=2}"`,
    );
    expect(imported("L2_NORMALIZATION", { inputs: [f32(2, 3)], outputs: [f32(2, 3)] })).toMatchInlineSnapshot(`
      "%y/reduce_l2:f32[2,1] = reduce_l2(%a) {axes=[-1] keepDims=true}
      %y/clamp:f32[2,1] = clamp(%y/reduce_l2) {min=0.000001}
      %y:f32[2,3] = div(%a, %y/clamp)"
    `);
    expect(imported("L2_NORMALIZATION", { inputs: [int8([2, 3], 0.5, 1)], outputs: [int8([2, 3], 1 / 128, 0)] })).toMatchInlineSnapshot(`
      "%y/dequantize:f32[2,3] = dequantize(%a)
      %y/reduce_l2:f32[2,1] = reduce_l2(%y/dequantize) {axes=[-1] keepDims=true}
      %y/clamp:f32[2,1] = clamp(%y/reduce_l2) {min=0.000001}
      %y/div:f32[2,3] = div(%y/dequantize, %y/clamp)
      %y:i8[2,3] q(0.007813,0) = quantize(%y/div) {dataType="int8"}"
    `);
    const options = [13, [0, "int", 2], [1, "float", 1], [2, "float", 0.5], [3, "float", 0.75]] as const;
    expect(
      imported("LOCAL_RESPONSE_NORMALIZATION", { inputs: [f32(1, 2, 2, 8)], outputs: [f32(1, 2, 2, 8)], options }),
    ).toMatchInlineSnapshot(`"%y:f32[1,2,2,8] = lrn(%a) {size=5 bias=1 alpha=2.5 beta=0.75 axis=-1}"`);
  });
});

describe("shapes", () => {
  test("RESHAPE has its shape as an input, or among the options", () => {
    const reshape = (inputs: TensorSpec[], y: TensorSpec, newShape: number[] = []) =>
      imported("RESHAPE", { inputs: [f32(2, 6), ...inputs], outputs: [y], options: [17, [0, "ints", newShape]] });
    expect(reshape([i32(3, -1)], f32(3, 4))).toMatchInlineSnapshot(`"%y:f32[3,4] = reshape(%a) {shape=[3,-1]}"`);
    expect(reshape([], f32(3, 4), [3, 4])).toMatchInlineSnapshot(`"%y:f32[3,4] = reshape(%a) {shape=[3,4]}"`);
    expect(
      imported("RESHAPE", { inputs: [f32(1), { type: "int32", shape: [0], data: new Int32Array(0) }], outputs: [f32()] }),
    ).toMatchInlineSnapshot(`"%y:f32[] = reshape(%a) {shape=[]}"`);
    expect(reshape([{ type: "int32", shape: [2] }], f32(3, 4))).toMatchInlineSnapshot(`"%y:f32[3,4] = reshape(%a, %b) {allowZero=true}"`);
  });

  test("dimensions of 1 come and go", () => {
    expect(imported("SQUEEZE", { inputs: [f32(1, 3, 1)], outputs: [f32(3)] })).toMatchInlineSnapshot(`"%y:f32[3] = squeeze(%a)"`);
    expect(imported("SQUEEZE", { inputs: [f32(1, 3, 1)], outputs: [f32(1, 3)], options: [30, [0, "ints", [2]]] })).toMatchInlineSnapshot(
      `"%y:f32[1,3] = squeeze(%a) {axes=[2]}"`,
    );
    expect(imported("EXPAND_DIMS", { inputs: [f32(3), scalar(-1)], outputs: [f32(3, 1)] })).toMatchInlineSnapshot(
      `"%y:f32[3,1] = unsqueeze(%a) {axes=[-1]}"`,
    );
    expect(
      imported("PACK", { inputs: [f32(3), f32(3)], outputs: [f32(3, 2)], options: [59, [0, "int", 2], [1, "int", -1]] }),
    ).toMatchInlineSnapshot(`
      "%y/unsqueeze:f32[3,1] = unsqueeze(%a) {axes=[-1]}
      %y/unsqueeze_2:f32[3,1] = unsqueeze(%b) {axes=[-1]}
      %y:f32[3,2] = concat(%y/unsqueeze, %y/unsqueeze_2) {axis=-1}"
    `);
    expect(imported("UNPACK", { inputs: [f32(2, 3)], outputs: [f32(3), f32(3)], options: [64, [0, "int", 2]] })).toMatchInlineSnapshot(`
      "%y/split:f32[1,3], %y/split_2:f32[1,3] = split(%a) {axis=0}
      %y:f32[3] = squeeze(%y/split) {axes=[0]}
      %y1:f32[3] = squeeze(%y/split_2) {axes=[0]}"
    `);
  });

  test("elements that follow from shapes and constants", () => {
    expect(imported("RANK", { inputs: [f32(2, 3)], outputs: [{ type: "int32", shape: [] }] })).toMatchInlineSnapshot(`""`);
    expect(imported("SHAPE", { inputs: [f32(2, 3)], outputs: [{ type: "int32", shape: [2] }] })).toMatchInlineSnapshot(
      `"%y:i32[2] = shape(%a) {dataType="int32"}"`,
    );
    expect(imported("FILL", { inputs: [i32(2, 3), scalar(7)], outputs: [{ type: "int32", shape: [2, 3] }] })).toMatchInlineSnapshot(
      `"%y:i32[2,3] = fill() {value=7 dataType="int32" shape=[2,3]}"`,
    );
    expect(imported("FILL", { inputs: [i32(2, 3), f32()], outputs: [f32(2, 3)] })).toMatchInlineSnapshot(
      `"%y:f32[2,3] = expand(%b) {shape=[2,3]}"`,
    );
    const inputs: TensorSpec[] = [
      { type: "int32", shape: [4] },
      scalar(3),
      { shape: [], data: Float32Array.of(5) },
      { shape: [], data: Float32Array.of(-1) },
    ];
    expect(imported("ONE_HOT", { inputs, outputs: [f32(4, 3)], options: [61, [0, "int", -1]] })).toMatchInlineSnapshot(`
      "const #b:i32[]
      const #y/values:f32[2]
      %y:f32[4,3] = one_hot(%a, #b, #y/values) {axis=-1}"
    `);
    expect(imported("TILE", { inputs: [f32(2, 3), i32(1, 2)], outputs: [f32(2, 6)] })).toMatchInlineSnapshot(
      `"%y:f32[2,6] = tile(%a) {repeats=[1,2]}"`,
    );
    expect(imported("BROADCAST_TO", { inputs: [f32(1, 3), i32(2, 3)], outputs: [f32(2, 3)] })).toMatchInlineSnapshot(
      `"%y:f32[2,3] = expand(%a) {shape=[2,3]}"`,
    );
  });
});

describe("slicing", () => {
  test("slices", () => {
    expect(imported("SLICE", { inputs: [f32(4, 5), i32(1, 2), i32(2, -1)], outputs: [f32(2, 3)] })).toMatchInlineSnapshot(
      `"%y:f32[2,3] = slice(%a) {starts=[1,2] ends=[3,2147483647]}"`,
    );
    expect(
      imported("SLICE", { inputs: [f32(4, 5), { type: "int32", shape: [2] }, i32(2, -1)], outputs: [f32(2, 3)] }),
    ).toMatchInlineSnapshot(`
      "const #c:i32[2]
      const #y/rest:i32[1]
      const #y/end:i32[1]
      %y/add:i32[2] = add(%b, #c)
      %y/equal:bool[2] = equal(#c, #y/rest)
      %y/where:i32[2] = where(%y/equal, #y/end, %y/add)
      %y:f32[2,3] = slice(%a, %b, %y/where)"
    `);
    const masks = [32, [0, "int", 1], [1, "int", 2], [4, "int", 4]] as const;
    const inputs = [f32(4, 5, 6), i32(0, 1, 2), i32(3, 4, 5), i32(1, 1, 1)];
    expect(imported("STRIDED_SLICE", { inputs, outputs: [f32(3, 4)], options: masks })).toMatchInlineSnapshot(
      `"%y:f32[3,4] = strided_slice(%a) {begin=[0,1,2] end=[3,4,5] strides=[1,1,1] beginMask=1 endMask=2 ellipsisMask=0 newAxisMask=0 shrinkAxisMask=4}"`,
    );
    expect(
      imported("STRIDED_SLICE", { inputs: [f32(4), { type: "int32", shape: [1] }, i32(3), i32(1)], outputs: [f32(2)] }),
    ).toMatchInlineSnapshot(
      `"%y:f32[2] = strided_slice(%a, %b) {end=[3] strides=[1] beginMask=0 endMask=0 ellipsisMask=0 newAxisMask=0 shrinkAxisMask=0}"`,
    );
    expect(imported("REVERSE_V2", { inputs: [f32(4, 5), i32(1)], outputs: [f32(4, 5)] })).toMatchInlineSnapshot(
      `"%y:f32[4,5] = slice(%a) {starts=[-1] ends=[-2147483647] axes=[1] steps=[-1]}"`,
    );
  });

  test("splits", () => {
    expect(imported("SPLIT", { inputs: [scalar(1), f32(2, 6)], outputs: [f32(2, 3), f32(2, 3)] })).toMatchInlineSnapshot(
      `"%y:f32[2,3], %y1:f32[2,3] = split(%b) {axis=1}"`,
    );
    expect(imported("SPLIT_V", { inputs: [f32(2, 6), i32(4, -1), scalar(-1)], outputs: [f32(2, 4), f32(2, 2)] })).toMatchInlineSnapshot(
      `"%y:f32[2,4], %y1:f32[2,2] = split(%a) {axis=-1 sizes=[4,2]}"`,
    );
  });

  test("CONCATENATION with an activation", () => {
    expect(
      imported("CONCATENATION", { inputs: [f32(2, 3), f32(2, 3)], outputs: [f32(2, 6)], options: [10, [0, "int", 1], [1, "byte", 1]] }),
    ).toMatchInlineSnapshot(`
      "%y/concat:f32[2,6] = concat(%a, %b) {axis=1}
      %y:f32[2,6] = clamp(%y/concat) {min=0}"
    `);
  });

  test("lookups", () => {
    const indices: TensorSpec = { type: "int32", shape: [3] };
    expect(imported("GATHER", { inputs: [f32(2, 5), indices], outputs: [f32(2, 3)], options: [23, [0, "int", 1]] })).toMatchInlineSnapshot(
      `"%y:f32[2,3] = gather(%a, %b) {axis=1 batchDims=0}"`,
    );
    expect(imported("EMBEDDING_LOOKUP", { inputs: [indices, weights(9, 4)], outputs: [f32(3, 4)] })).toMatchInlineSnapshot(`
      "const #b:f32[9,4]
      %y:f32[3,4] = gather(#b, %a) {axis=0}"
    `);
    const table: TensorSpec = { ...int8([9, 4], 0.5, 0), data: new Int8Array(36) };
    expect(imported("EMBEDDING_LOOKUP", { inputs: [indices, table], outputs: [f32(3, 4)] })).toMatchInlineSnapshot(`
      "const #b:i8[9,4] q(0.5000,0)
      %y/gather:i8[3,4] q(0.5000,0) = gather(#b, %a) {axis=0}
      %y:f32[3,4] = dequantize(%y/gather)"
    `);
    const pairs: TensorSpec = { type: "int32", shape: [3, 1] };
    expect(imported("GATHER_ND", { inputs: [f32(9, 4), pairs], outputs: [f32(3, 4)] })).toMatchInlineSnapshot(
      `"%y:f32[3,4] = gather_nd(%a, %b)"`,
    );
    expect(imported("SCATTER_ND", { inputs: [pairs, f32(3, 4), i32(9, 4)], outputs: [f32(9, 4)] })).toMatchInlineSnapshot(`
      "%y/fill:f32[9,4] = fill() {value=0 dataType="float32" shape=[9,4]}
      %y:f32[9,4] = scatter_nd(%y/fill, %a, %b) {reduction="add"}"
    `);
    expect(
      imported("WHERE", { inputs: [{ type: "bool", shape: [2, 3] }], outputs: [{ type: "int64", shape: [0, 2], signature: [-1, 2] }] }),
    ).toMatchInlineSnapshot(`
      "%y/non_zero:i64[2,?] = non_zero(%a)
      %y:i64[?,2] = transpose(%y/non_zero) {perm=[1,0]}"
    `);
  });
});

test("UNIQUE", () => {
  const outputs: TensorSpec[] = [
    { shape: [0], signature: [-1] },
    { type: "int32", shape: [9] },
  ];
  expect(imported("UNIQUE", { inputs: [f32(9)], outputs, options: [80, [0, "byte", 2]] })).toMatchInlineSnapshot(`
    "%y:f32[?], –, %y/unique:i64[9] = unique(%a) {sorted=false}
    %y1:i32[9] = cast(%y/unique) {dataType="int32"}"
  `);
});

describe("space", () => {
  test("pads", () => {
    const pads = { ...i32(0, 0, 1, 2), shape: [2, 2] };
    expect(imported("PAD", { inputs: [f32(2, 3), pads], outputs: [f32(2, 6)] })).toMatchInlineSnapshot(
      `"%y:f32[2,6] = pad(%a) {mode="constant" pads=[0,1,0,2]}"`,
    );
    expect(
      imported("PADV2", { inputs: [f32(2, 3), pads, { shape: [], data: Float32Array.of(-9) }], outputs: [f32(2, 6)] }),
    ).toMatchInlineSnapshot(`"%y:f32[2,6] = pad(%a) {mode="constant" value=-9 pads=[0,1,0,2]}"`);
    expect(
      imported("MIRROR_PAD", { inputs: [f32(2, 3), pads], outputs: [f32(2, 6)], options: [77, [0, "byte", 1]] }),
    ).toMatchInlineSnapshot(`"%y:f32[2,6] = pad(%a) {mode="symmetric" pads=[0,1,0,2]}"`);
    expect(imported("PAD", { inputs: [f32(2, 3), { type: "int32", shape: [2, 2] }], outputs: [f32(2, 6)] })).toMatchInlineSnapshot(`
      "%y/transpose:i32[2,2] = transpose(%b) {perm=[1,0]}
      %y/reshape:i32[4] = reshape(%y/transpose) {shape=[-1]}
      %y:f32[2,6] = pad(%a, %y/reshape) {mode="constant"}"
    `);
  });

  test("resizing", () => {
    const resize = (op: string, kind: number, ids: [number, number], [corners, half]: [number, number]) =>
      imported(op, {
        inputs: [f32(1, 4, 4, 2), i32(8, 8)],
        outputs: [f32(1, 8, 8, 2)],
        options: [kind, [ids[0], "byte", corners], [ids[1], "byte", half]],
      });
    expect(resize("RESIZE_BILINEAR", 15, [2, 3], [0, 1])).toMatchInlineSnapshot(
      `"%y:f32[1,8,8,2] = resize(%a) {mode="linear" coordinates="half_pixel" axes=[1,2] sizes=[8,8]}"`,
    );
    expect(resize("RESIZE_BILINEAR", 15, [2, 3], [1, 0])).toMatchInlineSnapshot(
      `"%y:f32[1,8,8,2] = resize(%a) {mode="linear" coordinates="align_corners" axes=[1,2] sizes=[8,8]}"`,
    );
    expect(resize("RESIZE_NEAREST_NEIGHBOR", 74, [0, 1], [0, 1])).toMatchInlineSnapshot(
      `"%y:f32[1,8,8,2] = resize(%a) {mode="nearest" coordinates="tf_half_pixel_for_nn" nearest="floor" axes=[1,2] sizes=[8,8]}"`,
    );
    expect(resize("RESIZE_NEAREST_NEIGHBOR", 74, [0, 1], [0, 0])).toMatchInlineSnapshot(
      `"%y:f32[1,8,8,2] = resize(%a) {mode="nearest" coordinates="asymmetric" nearest="floor" axes=[1,2] sizes=[8,8]}"`,
    );
  });

  test("blocks between space, channels and batch", () => {
    expect(
      imported("DEPTH_TO_SPACE", { inputs: [f32(1, 2, 2, 8)], outputs: [f32(1, 4, 4, 2)], options: [94, [0, "int", 2]] }),
    ).toMatchInlineSnapshot(`"%y:f32[1,4,4,2] = depth_to_space(%a) {block=2 mode="dcr"}"`);
    const zero = { ...i32(0, 1, 0, 0), shape: [2, 2] };
    expect(
      imported("SPACE_TO_BATCH_ND", { inputs: [f32(1, 3, 6, 5), i32(2, 3), zero], outputs: [f32(6, 2, 2, 5)] }),
    ).toMatchInlineSnapshot(`
      "%y/pad:f32[1,4,6,5] = pad(%a) {mode="constant" pads=[0,0,0,0,0,1,0,0]}
      %y/reshape:f32[1,2,2,2,3,5] = reshape(%y/pad) {shape=[1,2,2,2,3,5]}
      %y/transpose:f32[2,3,1,2,2,5] = transpose(%y/reshape) {perm=[2,4,0,1,3,5]}
      %y:f32[6,2,2,5] = reshape(%y/transpose) {shape=[6,2,2,5]}"
    `);
    expect(
      imported("BATCH_TO_SPACE_ND", { inputs: [f32(6, 2, 2, 5), i32(2, 3), zero], outputs: [f32(1, 3, 6, 5)] }),
    ).toMatchInlineSnapshot(`
      "%y/reshape:f32[2,3,1,2,2,5] = reshape(%a) {shape=[2,3,1,2,2,5]}
      %y/transpose:f32[1,2,2,2,3,5] = transpose(%y/reshape) {perm=[2,3,0,4,1,5]}
      %y/reshape_2:f32[1,4,6,5] = reshape(%y/transpose) {shape=[1,4,6,5]}
      %y:f32[1,3,6,5] = slice(%y/reshape_2) {starts=[0,0] ends=[3,6] axes=[1,2]}"
    `);
  });
});

describe("quantization", () => {
  test("numbers become steps and back", () => {
    expect(imported("QUANTIZE", { inputs: [f32(4)], outputs: [int8([4], 0.5, 3)] })).toMatchInlineSnapshot(
      `"%y:i8[4] q(0.5000,3) = quantize(%a) {dataType="int8"}"`,
    );
    expect(imported("QUANTIZE", { inputs: [int8([4], 0.25, 0)], outputs: [int8([4], 0.5, 3)] })).toMatchInlineSnapshot(
      `"%y:i8[4] q(0.5000,3) = requantize(%a) {rounding="half_up"}"`,
    );
    expect(imported("DEQUANTIZE", { inputs: [int8([4], 0.25, 0)], outputs: [f32(4)] })).toMatchInlineSnapshot(
      `"%y:f32[4] = dequantize(%a)"`,
    );
    expect(imported("DEQUANTIZE", { inputs: [{ type: "float16", shape: [4] }], outputs: [f32(4)] })).toMatchInlineSnapshot(
      `"%y:f32[4] = cast(%a) {dataType="float32"}"`,
    );
  });

  test("what lies between two steps is rounded as the format's runtimes do", () => {
    const x = int8([1, 4, 4, 2], 0.5, 3);
    const bytes: TensorSpec = { ...x, type: "uint8" };
    const options = [5, [0, "byte", 1], [1, "int", 2], [2, "int", 2], [3, "int", 2], [4, "int", 2]] as const;
    expect(imported("AVERAGE_POOL_2D", { inputs: [x], outputs: [int8([1, 2, 2, 2], 0.5, 3)], options })).toContain('rounding="half_away"');
    expect(imported("AVERAGE_POOL_2D", { inputs: [bytes], outputs: [{ ...bytes, shape: [1, 2, 2, 2] }], options })).toContain(
      'rounding="half_up"',
    );
    expect(imported("SUB", { inputs: [x, x], outputs: [x] })).toContain('rounding="half_up"');
    expect(imported("RESIZE_BILINEAR", { inputs: [x, i32(8, 8)], outputs: [int8([1, 8, 8, 2], 0.5, 3)] })).toContain('rounding="half_up"');
  });

  test("FAKE_QUANT has 0 among its steps", () => {
    const options = [58, [0, "float", -1], [1, "float", 2.1], [2, "int", 8], [3, "byte", 1]] as const;
    expect(imported("FAKE_QUANT", { inputs: [f32(4)], outputs: [f32(4)], options })).toMatchInlineSnapshot(`
      "%y/clamp:f32[4] = clamp(%a) {min=-1.0007873978465796 max=2.0992125906050205}
      %y/quantize:i8[4] q(0.01220,-45) = quantize(%y/clamp) {dataType="int8"}
      %y:f32[4] = dequantize(%y/quantize)"
    `);
  });

  test("a float16 constant is a float32 constant that is stored as float16", () => {
    const half: TensorSpec = { type: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) };
    const graph = importTflite(
      writeTflite({
        tensors: [
          { ...half, name: "h" },
          { ...f32(2), name: "w" },
          { ...f32(2), name: "x" },
          { ...f32(2), name: "y" },
        ],
        operators: [
          { op: 6, inputs: [0], outputs: [1] },
          { op: 0, inputs: [2, 1], outputs: [3] },
        ],
        inputs: [2],
        outputs: [3],
      }),
    );
    const weight = graph.nodes[0]!.inputs[1]!;
    expect(graph.nodes.length).toBe(1);
    expect(weight.type).toEqual({ dataType: "float32", shape: [2] });
    expect(weight.constant!.storage).toBe("float16");
  });
});

test("every importer is for an operator of the format", () => {
  expect(Object.keys(BUILTIN_IMPORTS).filter((name) => !BUILTIN_OPERATORS.includes(name))).toEqual([]);
});
