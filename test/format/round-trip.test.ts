import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCompact } from "../../src/format/read.ts";
import { sniffFormat } from "../../src/format/sniff.ts";
import { writeCompact } from "../../src/format/write.ts";
import { constantElements, constantValue } from "../../src/graph/constant.ts";
import type { Constant, Graph, Value } from "../../src/graph/types.ts";
import { anyGraph, essence } from "./graphs.ts";

const header = (bytes: Uint8Array): Record<string, unknown> => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
};
const dataStart = (bytes: Uint8Array): number => 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));

/** A graph of one node that uses these constants. */
const using = (...constants: Value[]): Graph => {
  const y: Value = { name: "y" };
  return { inputs: [], nodes: [{ op: "use", name: "use", inputs: constants, outputs: [y], attributes: {} }], outputs: [y] };
};
const constantsIn = (bytes: Uint8Array) => readCompact(bytes).nodes[0]!.inputs as (Value & { constant: Constant })[];

describe("a compact file", () => {
  it("keeps every graph", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        expect(essence(readCompact(writeCompact(graph)))).toEqual(essence(graph));
      }),
      { numRuns: 100 },
    );
  });

  it("is the same for the same graph, also after being read", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const once = writeCompact(graph);
        expect(Buffer.compare(writeCompact(graph), once)).toBe(0);
        const twice = writeCompact(readCompact(once));
        expect(Buffer.compare(writeCompact(readCompact(twice)), twice)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it("loses nothing but names when it must be small", () => {
    fc.assert(
      fc.property(anyGraph, fc.oneof(fc.constant(0), fc.nat(2000)), (graph, maxBytes) => {
        const full = writeCompact(graph);
        const small = writeCompact(graph, { maxBytes });
        expect(small.length).toBeLessThanOrEqual(full.length);
        expect(essence(readCompact(small), false)).toEqual(essence(graph, false));
      }),
      { numRuns: 100 },
    );
  });

  it("is told from other formats by its first bytes", () => {
    expect(sniffFormat(writeCompact({ inputs: [], nodes: [], outputs: [] }))).toBe("compact");
  });

  it("has its data at a multiple of 64, the widest elements first", () => {
    const bytes = writeCompact(
      using(
        constantValue("a", "uint8", [3], Uint8Array.of(1, 2, 3)),
        constantValue("b", "float32", [2], Float32Array.of(1, 2)),
        constantValue("c", "int64", [1], BigInt64Array.of(7n)),
      ),
    );
    expect(dataStart(bytes) % 64).toBe(0);
    expect(header(bytes)).toMatchObject({
      c: { dtype: "I64", shape: [1], data_offsets: [0, 8] },
      b: { dtype: "F32", shape: [2], data_offsets: [8, 16] },
      a: { dtype: "U8", shape: [3], data_offsets: [16, 19] },
    });
  });

  it("gives constants as views of its bytes", () => {
    const bytes = writeCompact(using(constantValue("w", "float32", [2], Float32Array.of(1, 2))));
    expect(constantsIn(bytes)[0]!.constant.bytes.buffer).toBe(bytes.buffer);
  });

  it("reads bytes that begin anywhere in a buffer", () => {
    const bytes = writeCompact(using(constantValue("w", "float32", [2], Float32Array.of(1.5, -2))));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(constantElements(constantsIn(shifted.subarray(3))[0]!)).toEqual(Float32Array.of(1.5, -2));
  });

  it("stores equal constants once", () => {
    const ramp = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    const bytes = writeCompact(
      using(
        constantValue("a", "uint8", [1000], ramp),
        constantValue("b", "uint8", [10, 100], ramp.slice()),
        constantValue("c", "uint8", [1000], ramp.slice(), { scale: [0.5], zeroPoint: [3] }),
      ),
    );
    expect(bytes.length).toBeLessThan(1600);
    const [a, b, c] = constantsIn(bytes);
    expect([a!.type!.shape, b!.type!.shape, c!.quant]).toEqual([[1000], [10, 100], { scale: [0.5], zeroPoint: [3] }]);
  });

  it("stores a repeated element once", () => {
    const bytes = writeCompact(using(constantValue("w", "float32", [100, 100], new Float32Array(10_000).fill(0.1))));
    expect(bytes.length).toBeLessThan(400);
    expect(constantElements(constantsIn(bytes)[0]!)).toEqual(new Float32Array(10_000).fill(0.1));
  });

  it("leaves zeros out where it would be too large otherwise", () => {
    const elements = Float32Array.from({ length: 999 }, (_, i) => (i % 10 === 3 ? i : 0));
    const graph = using(constantValue("w", "float32", [9, 111], elements));
    expect(writeCompact(graph).length).toBeGreaterThan(4000);
    const bytes = writeCompact(graph, { maxBytes: 1500 });
    expect(bytes.length).toBeLessThan(1000);
    expect(header(bytes)).toMatchObject({ w: { dtype: "F32", shape: [100] }, "w.mask": { dtype: "U8", shape: [125] } });
    expect(constantElements(constantsIn(bytes)[0]!)).toEqual(elements);
    expect(constantsIn(bytes)[0]!.type!.shape).toEqual([9, 111]);
  });

  it("keeps float32 constants that are stored as float16", () => {
    const value: Value = {
      name: "w",
      type: { dataType: "float32", shape: [2] },
      constant: { storage: "float16", bytes: Uint8Array.of(0, 0x3c, 0, 0xc0) },
    };
    expect(constantElements(constantsIn(writeCompact(using(value)))[0]!)).toEqual(Float32Array.of(1, -2));
  });

  it("keeps long lists of scales among the tensors", () => {
    const scale = Array.from({ length: 1000 }, (_, i) => Math.fround(0.001 * (i + 1)));
    const quant = { scale, zeroPoint: scale.map(() => 0), axis: 0 };
    const bytes = writeCompact(
      using(
        constantValue(
          "w",
          "int8",
          [1000, 1],
          new Int8Array(1000).map((_, i) => i),
          quant,
        ),
      ),
    );
    expect(bytes.length).toBeLessThan(5500);
    expect(constantsIn(bytes)[0]!.quant).toEqual(quant);
  });

  it("keeps long lists of equal scales", () => {
    const quant = { scale: new Array<number>(100).fill(0.25), zeroPoint: new Array<number>(100).fill(7), axis: 0 };
    expect(constantsIn(writeCompact(using(constantValue("w", "int8", [100], new Int8Array(100), quant))))[0]!.quant).toEqual(quant);
  });

  it("refuses nodes that are out of order", () => {
    const x: Value = { name: "x" };
    const node = { op: "use", name: "early", inputs: [x], outputs: [], attributes: {} };
    expect(() => writeCompact({ inputs: [], nodes: [node], outputs: [] })).toThrow(
      'node "early" (use): nothing before it makes its value "x"',
    );
  });
});
