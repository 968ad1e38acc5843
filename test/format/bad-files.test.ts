import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LanewiseError } from "../../src/errors.ts";
import { readCompact } from "../../src/format/read.ts";
import { sniffFormat } from "../../src/format/sniff.ts";
import { writeCompact } from "../../src/format/write.ts";
import { constantValue } from "../../src/graph/constant.ts";
import type { Graph, Value } from "../../src/graph/types.ts";
import { anyGraph } from "./graphs.ts";

/** A file with these words as its header, before `dataBytes` zeros. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const EMPTY = { version: 1, constants: [], inputs: [], nodes: [], outputs: [] };
const withGraph = (graph: object, tensors: object = {}, dataBytes = 0) =>
  file({ __metadata__: { lanewise: JSON.stringify({ ...EMPTY, ...graph }) }, ...tensors }, dataBytes);

const code = (bytes: Uint8Array): string => {
  try {
    readCompact(bytes);
    return "a graph";
  } catch (error) {
    if (error instanceof LanewiseError) return `${error.code}: ${error.message}`;
    throw error;
  }
};

/** A graph that uses every part of the format. */
function wholeGraph(): Graph {
  const x: Value = { name: "x", type: { dataType: "int8", shape: [Number.NaN, 4] }, quant: { scale: [0.1], zeroPoint: [3] } };
  const perChannel = { scale: [0.5, 0.25], zeroPoint: [0, 1], axis: 0 };
  const w = constantValue("w", "int8", [2, 4], Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8), perChannel);
  const fill = constantValue("fill", "float32", [128], new Float32Array(128).fill(2));
  const [y, z]: [Value, Value] = [{ name: "y" }, { name: "z" }];
  const body: Graph = {
    inputs: [{ name: "state" }],
    nodes: [{ op: "neg", name: "inner", inputs: [x], outputs: [{ name: "n" }], attributes: {} }],
    outputs: [x],
  };
  return {
    inputs: [x],
    nodes: [
      {
        op: "matmul",
        name: "dense",
        inputs: [x, w, null],
        outputs: [y],
        attributes: { alpha: 0.5, max: Number.POSITIVE_INFINITY, transposeB: true },
      },
      { op: "loop", name: "loop", inputs: [y, fill], outputs: [null, z], attributes: { body, axes: [0, 1], names: ["a"] } },
    ],
    outputs: [z],
    outputNames: ["out"],
  };
}

describe("a file that is wrong says where", () => {
  const F32 = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  it.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "format: header: expected at least 8 bytes, found 0"],
    [
      "a header longer than the file",
      file("{}").fill(255, 0, 4),
      "format: header: expected a length of at most 2 in 10 bytes, found 4294967295",
    ],
    ["no JSON", file("{nonsense"), "format: header: expected JSON"],
    ["no UTF-8", file("{}").fill(0xff, 8), "format: header: expected UTF-8 text"],
    ["a list for a header", file("[]"), "format: header: expected an object, found []"],
    [
      "weights alone",
      file({}),
      'format: header.__metadata__: expected the graph under "lanewise", found a safetensors file of weights alone',
    ],
    [
      "metadata that is no text",
      file({ __metadata__: { lanewise: {} } }),
      "format: header.__metadata__.lanewise: expected a string, found {}",
    ],
    ["an unknown data type", file({ a: { ...F32, dtype: "F8_E4M3" } }, 8), "format: header.a.dtype: expected one of F64, I64"],
    [
      "a negative dimension",
      file({ a: { ...F32, shape: [-2] } }, 8),
      "format: header.a.shape[0]: expected a whole number from 0, found -2",
    ],
    [
      "a shape beyond counting",
      file({ a: { ...F32, shape: [2 ** 40, 2 ** 40] } }, 8),
      "format: header.a.shape: expected a number of elements that can be counted",
    ],
    [
      "another number of bytes",
      file({ a: { ...F32, shape: [3] } }, 8),
      "format: header.a.data_offsets: expected 12 bytes for float32[3], found 8",
    ],
    ["offsets past the end", file({ a: F32 }, 7), "format: header.a.data_offsets[1]: expected a whole number from 0 to 7, found 8"],
    [
      "overlapping tensors",
      file({ a: F32, b: { ...F32, data_offsets: [4, 12] } }, 12),
      "format: header.b: expected to begin at byte 8 of the data, where the one before ends, found 4",
    ],
    ["a gap", file({ a: { ...F32, data_offsets: [4, 12] } }, 12), "format: header.a: expected to begin at byte 0"],
    ["bytes that no tensor has", withGraph({}, { a: F32 }, 9), "format: the tensors end at byte 8 of the data, and the file has 9"],
    [
      "a later version",
      withGraph({ version: 2 }),
      "unsupported: the file has format version 2, and this release reads up to 1: update lanewise",
    ],
    ["no nodes", withGraph({ nodes: null }), "format: lanewise.nodes: expected a list, found null"],
    ["an operator that is no name", withGraph({ nodes: [[7, [], []]] }), "format: lanewise.nodes[0][0]: expected a string, found 7"],
    [
      "a cycle",
      withGraph({ nodes: [["neg", [0], [-1]]] }),
      "shape: lanewise.nodes[0][1][0]: value 0 is used before it is made; there are 0 so far",
    ],
    [
      "a value from inside a nested graph",
      withGraph({ nodes: [["if", [], [], { body: { graph: { inputs: [["a"]], nodes: [], outputs: [] } } }]], outputs: [[0, "y"]] }),
      "shape: lanewise.outputs[0][0]: value 0",
    ],
    [
      "an attribute that is null",
      withGraph({ nodes: [["neg", [], [], { a: null }]] }),
      "format: lanewise.nodes[0][3].a: expected a number, a string",
    ],
    [
      "an attribute of mixed items",
      withGraph({ nodes: [["neg", [], [], { a: [1, "b"] }]] }),
      "format: lanewise.nodes[0][3].a: expected a list of numbers or a list of strings",
    ],
    [
      "a constant without a tensor",
      withGraph({ constants: ["w"] }),
      'format: lanewise.constants[0]: expected the name of a tensor in the file, found "w"',
    ],
    [
      "a constant that takes another shape",
      withGraph({ constants: [["a", -1, null, [3]]] }, { a: F32 }, 8),
      "shape: lanewise.constants[0]: a tensor of shape [2] cannot be taken as [3]",
    ],
    [
      "a constant that takes another type",
      withGraph({ constants: [["a", -1, "int8"]] }, { a: F32 }, 8),
      "format: lanewise.constants[0][2]: expected a data type that float32 can store",
    ],
    [
      "an absurd repetition",
      withGraph({ constants: [["a", -1, null, [2 ** 40]]] }, { a: { dtype: "U8", shape: [], data_offsets: [0, 1] } }, 1),
      "format: lanewise.constants[0]: expected constants that expand to at most 268435456 bytes",
    ],
    [
      "a mask that is too short",
      withGraph({ constants: [["a", -1, null, [9], "m"]] }, { a: F32, m: { dtype: "U8", shape: [1], data_offsets: [8, 9] } }, 9),
      'format: lanewise.constants[0][4]: expected the name of a uint8 tensor with a bit for each of 9 elements, found "m"',
    ],
    [
      "a mask with other bits",
      withGraph({ constants: [["a", -1, null, [8], "m"]] }, { a: F32, m: { dtype: "U8", shape: [1], data_offsets: [8, 9] } }, 9),
      "shape: lanewise.constants[0][4]: expected 2 bits, one for each element that is stored, found 0",
    ],
    [
      "scales out of range",
      withGraph(
        {
          scales: "a",
          quants: [
            [[1], 0],
            [[2], 0],
          ],
        },
        { a: F32 },
        8,
      ),
      "format: lanewise.quants[1][0][0]: expected a whole number from 0 to 1, found 2",
    ],
    [
      "scales for another dimension",
      withGraph(
        { scales: "a", quants: [[[2], 0, 0]], constants: [["b", 0]] },
        { a: F32, b: { dtype: "I8", shape: [1], data_offsets: [8, 9] } },
        9,
      ),
      "shape: lanewise.constants[0]: expected 1 scales along axis 0 of [1], found 2",
    ],
    ["an input without a type", withGraph({ inputs: [["x"]] }), 'format: lanewise.inputs[0]: expected a type, found ["x"]'],
    [
      "an input's type that is none",
      withGraph({ inputs: [["x", "float8", []]] }),
      'format: lanewise.inputs[0][1]: expected a data type, found "float8"',
    ],
    [
      "an input given twice",
      withGraph({
        inputs: [
          ["x", "int8", []],
          ["x", "int8", []],
        ],
      }),
      'format: lanewise.inputs: the name "x" is given twice',
    ],
  ])("%s", (_, bytes, message) => {
    expect(code(bytes)).toContain(message);
  });

  it("graphs nested without end", () => {
    let graph: object = { inputs: [], nodes: [], outputs: [] };
    for (let i = 0; i < 20; i++) graph = { inputs: [], nodes: [["if", [], [], { body: { graph } }]], outputs: [] };
    expect(code(withGraph(graph))).toContain("expected at most 16 graphs within each other");
  });

  it("brackets nested without end", () => {
    expect(code(file({ __metadata__: { lanewise: "[".repeat(1_000_000) } }))).toContain("format:");
    expect(code(withGraph({ nodes: [["a", [], [], { a: "@" }]] }))).toBe("a graph");
  });

  it("names from Object.prototype are names like any other", () => {
    const text = `{"version":1,"constants":[],"inputs":[["__proto__","int8",[]]],"nodes":[["constructor",[0],[-1],{"__proto__":[1],"toString":2}]],"outputs":[[1,"hasOwnProperty"]]}`;
    const graph = readCompact(file({ __metadata__: { lanewise: text } }));
    expect(Object.keys(graph.nodes[0]!.attributes)).toEqual(["__proto__", "toString"]);
    expect(({} as { 0?: number })[0]).toBeUndefined();
  });
});

describe("a damaged file gives a graph or a LanewiseError, never anything else", () => {
  const survives = (bytes: Uint8Array) => void code(bytes);

  it("cut off at any byte", () => {
    const whole = writeCompact(wholeGraph());
    for (let length = 0; length < whole.length; length++) expect(code(whole.subarray(0, length))).toMatch(/^(format|shape): /);
  });

  it("with bytes changed", () => {
    const whole = writeCompact(wholeGraph());
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = whole.slice();
        for (const { at, to } of changes) bytes[at] = to;
        survives(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it("with parts of its JSON replaced", () => {
    const whole = writeCompact(wholeGraph());
    const headerBytes = Number(new DataView(whole.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + headerBytes)));
    const nasty = fc.oneof(fc.constantFrom(-1, 2 ** 53, 1e308, 0.5, null, "", "__proto__", [], {}, true, 99, 2 ** 31), fc.jsonValue());
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), nasty, (n, inside, value) => {
        const copy = structuredClone(header);
        const root = inside ? JSON.parse(copy.__metadata__.lanewise) : copy;
        replaceLeaf(root, n, value);
        if (inside) copy.__metadata__.lanewise = JSON.stringify(root);
        const bytes = file(copy, whole.length - 8 - headerBytes);
        bytes.set(whole.subarray(8 + headerBytes), bytes.length - (whole.length - 8 - headerBytes));
        survives(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it("made of any bytes at all", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), survives));
    fc.assert(fc.property(fc.json(), (json) => survives(file(json))));
    fc.assert(fc.property(fc.json(), (json) => survives(file({ __metadata__: { lanewise: json } }))));
  });

  it("of any graph, changed anywhere", () => {
    fc.assert(
      fc.property(anyGraph, fc.nat(), fc.integer({ min: 0, max: 255 }), (graph, at, to) => {
        const bytes = writeCompact(graph);
        bytes[at % bytes.length] = to;
        survives(bytes);
      }),
      { numRuns: 100 },
    );
  });
});

/** Replaces the part of a JSON document at a number, counted modulo all parts. */
function replaceLeaf(root: object, n: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, child] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, key]);
      visit(child);
    }
  };
  visit(root);
  const [owner, key] = places[n % places.length]!;
  owner[key] = value;
}

describe("bytes that are no model", () => {
  const text = (content: string) => new TextEncoder().encode(content);
  it.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "found no bytes at all"],
    ["a web page", text("<!DOCTYPE html><html>"), "found a web page"],
    ["a pointer", text("version https://git-lfs.github.com/spec/v1"), "found a Git LFS pointer"],
    ["a zip archive", text("PK\u0003\u0004abcd"), "found a zip archive"],
    ["noise", Uint8Array.of(250, 1, 2, 3), "found 4 bytes that begin with fa 01 02 03"],
  ])("%s", (_, bytes, message) => {
    expect(() => sniffFormat(bytes)).toThrow(message);
  });
});
