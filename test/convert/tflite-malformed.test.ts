// Files that are no models: each gives a LanewiseError that says what is wrong and where, quickly.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importTflite } from "../../src/convert/tflite/index.ts";
import { LanewiseError } from "../../src/errors.ts";
import { type ModelSpec, type TensorSpec, writeTflite } from "../support/tflite.ts";

const x: TensorSpec = { name: "x", shape: [1, 4, 4, 2] };
const y: TensorSpec = { name: "y", shape: [1, 4, 4, 3] };
const weight: TensorSpec = { name: "w", shape: [3, 1, 1, 2], data: new Float32Array(6) };
const conv = { op: 3, inputs: [0, 1], outputs: [2], options: [1, [1, "int", 1], [2, "int", 1]] } as const;
const sound: ModelSpec = { tensors: [x, weight, y], operators: [conv], inputs: [0], outputs: [2] };

/** "code: message" of the error that a model gives. */
function errorOf(spec: Partial<ModelSpec>): string {
  try {
    importTflite(writeTflite({ ...sound, ...spec }));
  } catch (error) {
    if (error instanceof LanewiseError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

describe("what an error says", () => {
  test("the sound model has none", () => expect(errorOf({})).toBe("no error"));

  test("other bytes, other versions", () => {
    expect(() => importTflite(new Uint8Array(0))).toThrow(/expected a flatbuffer with identifier "TFL3" at byte 4, found ""/);
    expect(errorOf({ version: 2 })).toMatchInlineSnapshot(`"format: expected schema version 3, found 2"`);
  });

  test("indices that lead nowhere", () => {
    expect(errorOf({ operators: [{ ...conv, inputs: [0, 7] }] })).toMatchInlineSnapshot(
      `"format: operator 0 (CONV_2D): tensor 7 does not exist; the file has 3"`,
    );
    expect(errorOf({ outputs: [-1] })).toMatchInlineSnapshot(`"format: the model's outputs: tensor -1 does not exist; the file has 3"`);
    expect(errorOf({ tensors: [x, { ...weight, buffer: 9 }, y] })).toMatchInlineSnapshot(
      `"format: tensor "w": buffer 9 does not exist; the file has 2"`,
    );
  });

  test("tensors that nothing makes, or two things", () => {
    expect(errorOf({ tensors: [x, { ...weight, buffer: 0 }, y] })).toMatchInlineSnapshot(
      `"format: operator 0 (CONV_2D): nothing makes tensor 1 "w" before it is read"`,
    );
    expect(errorOf({ operators: [conv, conv] })).toMatchInlineSnapshot(`"format: operator 1 (CONV_2D): tensor 2 "y" is there already"`);
    expect(errorOf({ operators: [{ ...conv, inputs: [2, 1] }] })).toMatchInlineSnapshot(
      `"format: operator 0 (CONV_2D): nothing makes tensor 2 "y" before it is read"`,
    );
    expect(errorOf({ inputs: [0, 0] })).toMatchInlineSnapshot(`"format: the model's inputs: tensor 0 "x" is there already"`);
  });

  test("operators and tensors that contradict each other", () => {
    expect(errorOf({ tensors: [x, { ...weight, shape: [3, 1, 1, 3] }, y] })).toMatchInlineSnapshot(
      `"shape: tensor "w": float32[3,1,1,3] takes 36 bytes, its buffer has 24"`,
    );
    expect(errorOf({ tensors: [{ ...x, shape: [1, 4, 4, 3] }, weight, y] })).toMatchInlineSnapshot(
      `"shape: operator 0 "y" (CONV_2D): 3 input channels are no multiple of the weights' 2"`,
    );
    expect(errorOf({ operators: [{ ...conv, options: [1, [1, "int", 0]] }] })).toMatchInlineSnapshot(
      `"shape: operator 0 "y" (CONV_2D): strideH is 0, expected at least 1"`,
    );
    expect(errorOf({ operators: [{ ...conv, inputs: [0] }] })).toMatchInlineSnapshot(
      `"shape: operator 0 "y" (CONV_2D): input 1 is missing"`,
    );
    expect(errorOf({ tensors: [{ ...x, shape: [1, -4, 4, 2] }, weight, y] })).toMatchInlineSnapshot(
      `"shape: tensor "x": dimension 1 is -4"`,
    );
  });

  test("quantization", () => {
    const int8 = { ...x, type: "int8" } as const;
    expect(errorOf({ tensors: [{ ...int8, scale: [Number.NaN] }, weight, y] })).toMatchInlineSnapshot(
      `"format: tensor "x": a quantization scale is NaN"`,
    );
    expect(errorOf({ tensors: [{ ...int8, scale: [1], zeroPoint: [200] }, weight, y] })).toMatchInlineSnapshot(
      `"format: tensor "x": a zero point is 200, expected -128 … 127"`,
    );
    expect(errorOf({ tensors: [{ ...int8, scale: [1, 2, 3], zeroPoint: [0], axis: 3 }, weight, y] })).toMatchInlineSnapshot(
      `"shape: tensor "x": 3 scales for axis 3 of [1,4,4,2]"`,
    );
  });

  test("everything unsupported is in one error", () => {
    const operators = [
      { op: 44, inputs: [0], outputs: [1] },
      { op: "Mystery", inputs: [1], outputs: [2], version: 4 },
      { op: 0, inputs: [2, 0], outputs: [3], version: 2 },
    ];
    const tensors: TensorSpec[] = [
      x,
      { name: "lstm", shape: [1] },
      { name: "what", shape: [1] },
      { name: "y", type: "int16", shape: [1], scale: [1] },
    ];
    expect(errorOf({ tensors, operators, outputs: [3] })).toMatchInlineSnapshot(`
      "unsupported: this model needs 3 things that are not supported:
        operator 0 "lstm" (UNIDIRECTIONAL_SEQUENCE_LSTM, version 1): recurrent layers are not supported yet
        operator 1 "what" (custom Mystery, version 4): this operator is not supported
        operator 2 "y" (ADD, version 2): tensor "y" is a 16-bit quantized activation"
    `);
  });
});

test("data behind the flatbuffer is read where it lies", () => {
  const elements = Float32Array.of(1, 2, 3, 4, 5, 6);
  const graph = importTflite(writeTflite({ ...sound, tensors: [x, { ...weight, data: elements }, y], dataOutside: true }));
  const { bytes } = graph.nodes[0]!.inputs[1]!.constant!;
  expect(new Float32Array(bytes.slice().buffer)).toEqual(elements);
});

/** Files with most of what the reader can meet: constants, options, quantization, shapes, a custom operator. */
const files: readonly Uint8Array[] = [
  writeTflite(sound),
  writeTflite({ ...sound, dataOutside: true }),
  writeTflite({
    tensors: [
      { name: "x", type: "uint8", shape: [1, 4, 4, 2], signature: [-1, 4, 4, 2], scale: [0.5], zeroPoint: [128] },
      { name: "w", type: "uint8", shape: [1, 2, 2, 2], data: new Uint8Array(8), scale: [0.1, 0.2], zeroPoint: [1, 2], axis: 3 },
      { name: "h", type: "uint8", shape: [1, 3, 3, 2], scale: [1], zeroPoint: [0] },
      { name: "shape", type: "int32", shape: [2], data: Int32Array.of(1, -1) },
      { name: "flat", type: "uint8", shape: [1, 18], scale: [1], zeroPoint: [0] },
      { name: "half", type: "float16", shape: [18], data: new Uint16Array(18) },
      { name: "float", shape: [18] },
      { name: "steps", shape: [1, 18] },
      { name: "y", shape: [1, 18] },
      { name: "begin", type: "int64", shape: [2], data: BigInt64Array.of(0n, 1n) },
      { name: "nibbles", type: "int4", shape: [3], data: new Uint8Array(2), scale: [1], zeroPoint: [0] },
    ],
    operators: [
      { op: 4, inputs: [0, 1], outputs: [2], options: [2, [0, "byte", 1], [1, "int", 1], [2, "int", 1], [3, "int", 1]] },
      { op: 22, inputs: [2, 3], outputs: [4], options: [17, [0, "ints", [1, 18]]] },
      { op: 6, inputs: [5], outputs: [6] },
      { op: 6, inputs: [4], outputs: [7] },
      { op: 0, inputs: [7, 6], outputs: [8], options: [11, [0, "byte", 1]] },
    ],
    inputs: [0],
    outputs: [8, 4],
  }),
];

/** Imports, and lets nothing but a LanewiseError through. */
function tryImport(bytes: Uint8Array): void {
  try {
    importTflite(bytes);
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
  }
}

describe("whatever the bytes are", () => {
  const file = fc.constantFrom(...files);

  test("truncated at every length", () => {
    for (const bytes of files) for (let length = 0; length < bytes.length; length++) tryImport(bytes.slice(0, length));
  });

  test("with bytes changed", () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(file, fc.array(change, { minLength: 1, maxLength: 8 }), (bytes, changes) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at % changed.length] = value;
        tryImport(changed);
      }),
      { numRuns: 5000 },
    );
  });

  test("with words changed to numbers that are often wrong", () => {
    const wrong = fc.constantFrom(0, 1, 4, 0x7fffffff, 0xffffffff, 0x80000000, 0xffff, 0x10000);
    fc.assert(
      fc.property(file, fc.array(fc.tuple(fc.nat(), wrong), { minLength: 1, maxLength: 4 }), (bytes, changes) => {
        const changed = bytes.slice();
        const view = new DataView(changed.buffer);
        for (const [at, value] of changes) view.setUint32((at % (changed.length >> 2)) * 4, value, true);
        tryImport(changed);
      }),
      { numRuns: 5000 },
    );
  });

  test("random behind the identifier", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 400 }), (bytes) => {
        bytes.set([0x54, 0x46, 0x4c, 0x33], 4);
        tryImport(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test("a vector of vectors that are all the same long one", () => {
    const count = 20_000;
    const bytes = new Uint8Array(64 + count * 8);
    const view = new DataView(bytes.buffer);
    bytes.set([0x54, 0x46, 0x4c, 0x33], 4);
    view.setUint32(0, 40, true); // the root, with a table of five fields at 20
    for (const [i, word] of [14, 8, 0, 0, 4].entries()) view.setUint16(20 + 2 * i, word, true);
    view.setInt32(40, 20, true);
    view.setUint32(44, 8, true); // subgraphs
    view.setUint32(52, count, true);
    for (let i = 0; i < count; i++) view.setUint32(56 + 4 * i, 4 * (count - i), true);
    view.setInt32(56 + 4 * count, 56 + 4 * count - 20, true);
    tryImport(bytes);
  });
});
