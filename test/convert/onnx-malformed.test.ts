// Files that are no models: each gives a LanewiseError that says what is wrong and where, quickly.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importOnnx } from "../../src/convert/onnx/import.ts";
import { LanewiseError } from "../../src/errors.ts";
import { type OnnxModel, type OnnxNode, type OnnxTensor, writeOnnx } from "../support/onnx.ts";

const weight: OnnxTensor = { name: "w", dims: [3, 2, 1, 1], floats: [1, 2, 3, 4, 5, 6] };
const conv: OnnxNode = { op: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["y"] };
const sound: OnnxModel = {
  nodes: [conv],
  inputs: [{ name: "x", shape: [1, 2, 4, 4] }],
  outputs: [{ name: "y", shape: [1, 3, 4, 4] }],
  initializers: [weight],
};

function errorOfBytes(bytes: Uint8Array): string {
  try {
    importOnnx(bytes);
  } catch (error) {
    if (error instanceof LanewiseError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

/** "code: message" of the error that a model gives. */
const errorOf = (model: Partial<OnnxModel>): string => errorOfBytes(writeOnnx({ ...sound, ...model }));

describe("what an error says", () => {
  test("the sound model has none", () => expect(errorOf({})).toBe("no error"));

  test("no model, or half of one", () => {
    expect(errorOfBytes(new Uint8Array(0))).toMatchInlineSnapshot(
      `"format: the model: there is no graph in it: it is no ONNX model, or the file is cut short"`,
    );
    expect(errorOfBytes(new TextEncoder().encode("<!doctype html>"))).toMatchInlineSnapshot(
      `"format: the model: expected bytes, found a field of wire type 4"`,
    );
    const bytes = writeOnnx(sound);
    for (let length = 0; length < bytes.length; length++)
      expect(errorOfBytes(bytes.subarray(0, length))).toMatch(/^(format|unsupported|no error)/);
  });

  test("tensors whose elements are not there", () => {
    const error = (tensor: Partial<OnnxTensor>) => errorOf({ initializers: [{ ...weight, ...tensor }] });
    expect(error({ dims: [3, 2, 1, 2] })).toMatchInlineSnapshot(`"format: tensor "w" has 6 elements, its shape [3,2,1,2] needs 12"`);
    expect(error({ raw: new Uint8Array(23) })).toMatchInlineSnapshot(`"format: tensor "w" has 23 bytes, its shape [3,2,1,1] needs 24"`);
    expect(error({ dims: [2 ** 31, 2 ** 31, 2 ** 31] })).toMatchInlineSnapshot(
      `"format: tensor "w" has shape [2147483648,2147483648,2147483648], which is too large"`,
    );
    expect(error({ dims: [-1, 2] })).toMatchInlineSnapshot(`"format: tensor "w" has shape [-1,2]"`);
    expect(error({ external: true })).toMatchInlineSnapshot(
      `"format: tensor "w" lies in another file: save the model with its weights inside"`,
    );
    expect(error({ type: 99 })).toMatchInlineSnapshot(`"format: tensor "w" has data type 99, which ONNX does not define"`);
    expect(error({ type: "string" })).toMatchInlineSnapshot(`
      "unsupported: the model has what this engine does not support:
        tensor "w" is string; data types are float32, float16, float64, integers of 8 to 64 bits and bool"
    `);
  });

  test("names that lead nowhere, or to two things", () => {
    expect(errorOf({ initializers: [] })).toMatchInlineSnapshot(
      `"format: node "conv" (Conv): its input "w" is neither an input, a constant, nor made by a node"`,
    );
    expect(errorOf({ nodes: [conv, { ...conv, name: "again" }] })).toMatchInlineSnapshot(
      `"format: node "again" (Conv): there is already a value named "y""`,
    );
    expect(errorOf({ initializers: [weight, weight] })).toMatchInlineSnapshot(`"format: there are two constants named "w""`);
    expect(errorOf({ nodes: [] })).toMatchInlineSnapshot(`"format: output "y" is not made by any node"`);
    expect(errorOf({ nodes: [{ ...conv, inputs: ["x"] }] })).toMatchInlineSnapshot(`"format: node "conv" (Conv): input 1 is missing"`);
  });

  test("cycles", () => {
    const nodes: OnnxNode[] = [
      { op: "Add", name: "a", inputs: ["x", "v"], outputs: ["u"] },
      { op: "Relu", name: "b", inputs: ["u"], outputs: ["v"] },
    ];
    expect(errorOf({ nodes })).toMatchInlineSnapshot(`"format: node "a" (Add) needs its own output: the graph has a cycle"`);
    const call: OnnxNode = { op: "F", domain: "own", inputs: ["x"], outputs: ["y"] };
    const functions = [{ name: "F", domain: "own", inputs: ["x"], outputs: ["y"], nodes: [call] }];
    expect(errorOf({ nodes: [call], functions, domains: { own: 1 } })).toMatchInlineSnapshot(`"format: function "F" calls itself"`);
  });

  test("values that contradict each other", () => {
    expect(errorOf({ inputs: [{ name: "x", shape: [1, 3, 4, 4] }] })).toMatchInlineSnapshot(
      `"shape: node "conv" (conv2d): input channels 3 must equal weight channels 2 × groups 1. Inputs: f32[1,4,4,3], f32[3,1,1,2]"`,
    );
    expect(errorOf({ inputs: [{ name: "x", shape: [1, -5, 4, 4] }] })).toMatchInlineSnapshot(`"format: input "x" has a dimension of -5"`);
    expect(errorOf({ nodes: [{ ...conv, attributes: { strides: { float: 2 } } }] })).toMatchInlineSnapshot(
      `"format: node "conv" (Conv): attribute "strides" must be integers, found a float"`,
    );
  });

  test("all that is unsupported is said at once", () => {
    const nodes: OnnxNode[] = [
      { op: "Whirl", name: "first", inputs: ["x"], outputs: ["u"] },
      { op: "Relu", inputs: ["u"], outputs: ["v"] },
      { op: "Twist", domain: "com.example", inputs: ["v"], outputs: ["y"] },
    ];
    expect(errorOf({ nodes, domains: { "com.example": 3 } })).toMatchInlineSnapshot(`
      "unsupported: the model has what this engine does not support:
        node "first" (Whirl): ai.onnx Whirl, version 21: the operator is not supported
        node "y" (Twist): com.example Twist, version 3: the operator is not supported"
    `);
    expect(errorOf({ inputs: [{ name: "x", type: "string", shape: [1] }] })).toMatchInlineSnapshot(`
      "unsupported: the model has what this engine does not support:
        input "x" is string; data types are float32, float16, float64, integers of 8 to 64 bits and bool"
    `);
  });
});

/** A model with constants, attributes, a shape that is computed, and a nested graph. */
const rich = writeOnnx({
  nodes: [
    { ...conv, attributes: { pads: { ints: [1, 1, 1, 1] }, strides: { ints: [2, 2] } } },
    { op: "Shape", inputs: ["y"], outputs: ["s"] },
    { op: "ConstantOfShape", inputs: ["s"], outputs: ["c"], attributes: { value: { tensor: { dims: [1], floats: [2] } } } },
    { op: "Mul", inputs: ["y", "c"], outputs: ["m"] },
    { op: "Reshape", inputs: ["m", "flat"], outputs: ["f"] },
    {
      op: "If",
      inputs: ["yes"],
      outputs: ["z"],
      attributes: {
        then_branch: { graph: { nodes: [{ op: "Relu", inputs: ["f"], outputs: ["r"] }], outputs: [{ name: "r" }] } },
        else_branch: { graph: { nodes: [{ op: "Tile", inputs: ["f", "flat"], outputs: ["r"] }], outputs: [{ name: "r" }] } },
      },
    },
  ],
  inputs: [{ name: "x", shape: [1, 2, 4, 4] }],
  outputs: [{ name: "z", shape: [1, 27] }],
  initializers: [weight, { name: "flat", type: "int64", dims: [2], int64s: [1, -1] }, { name: "yes", type: "bool", dims: [], int32s: [1] }],
});

test("a rich model is sound", () => expect(errorOfBytes(rich)).toBe("no error"));

test("changed bytes give a model or a LanewiseError, never anything else", () => {
  const mutation = fc.tuple(fc.nat(rich.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = rich.slice();
      for (const [at, value] of changes) bytes[at] = value;
      errorOfBytes(bytes);
    }),
    { numRuns: 3000 },
  );
});
