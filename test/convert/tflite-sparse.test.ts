// Sparse constants are written out as the dense ones that they stand for.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importTflite } from "../../src/convert/tflite/index.ts";
import { LanewiseError } from "../../src/errors.ts";
import { type SparsitySpec, type TensorSpec, writeTflite } from "../support/tflite.ts";

/** The constant that the importer makes of a sparse tensor. */
function imported(tensor: TensorSpec): Float32Array {
  const tensors = [
    tensor,
    { name: "dense", shape: tensor.shape! },
    { name: "x", shape: tensor.shape! },
    { name: "y", shape: tensor.shape! },
  ];
  const operators = [
    { op: 124, inputs: [0], outputs: [1] },
    { op: 0, inputs: [2, 1], outputs: [3] },
  ];
  const graph = importTflite(writeTflite({ tensors, operators, inputs: [2], outputs: [3] }));
  return new Float32Array(graph.nodes[0]!.inputs[1]!.constant!.bytes.slice().buffer);
}

/** A matrix as rows of blocks: dense over rows of blocks, compressed over their columns, blocks written whole. */
function encode(
  dense: Float32Array,
  rows: number,
  columns: number,
  [high, wide]: readonly [number, number],
): { data: Float32Array; sparsity: SparsitySpec } {
  const [segments, indices, data]: [number[], number[], number[]] = [[0], [], []];
  for (let row = 0; row < rows / high; row++) {
    for (let column = 0; column < columns / wide; column++) {
      const block = Array.from(
        { length: high * wide },
        (_, i) => dense[(row * high + Math.floor(i / wide)) * columns + column * wide + (i % wide)]!,
      );
      if (block.every((value) => value === 0)) continue;
      indices.push(column);
      data.push(...block);
    }
    segments.push(indices.length);
  }
  const sparsity = { traversalOrder: [0, 1, 2, 3], blockMap: [0, 1], dimensions: [rows / high, { segments, indices }, high, wide] };
  return { data: Float32Array.from(data), sparsity };
}

describe("sparse constants", () => {
  test("compressed rows, columns first", () => {
    const sparsity = { traversalOrder: [1, 0], blockMap: [], dimensions: [3, { segments: [0, 1, 1, 3], indices: [1, 0, 1] }] };
    const dense = imported({ name: "s", shape: [2, 3], data: Float32Array.of(5, 6, 7), sparsity });
    expect([...dense]).toEqual([0, 0, 6, 5, 0, 7]);
  });

  test("blocks of any size", () => {
    const size = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(size, size, size, size, fc.infiniteStream(fc.constantFrom(0, 0, 0, 1, -2, 3)), (down, across, high, wide, numbers) => {
        const [rows, columns] = [down * high, across * wide];
        const dense = Float32Array.from({ length: rows * columns }, () => numbers.next().value ?? 0);
        dense[0] = 9;
        expect(imported({ name: "s", shape: [rows, columns], ...encode(dense, rows, columns, [high, wide]) })).toEqual(dense);
      }),
    );
  });

  test("long lists of indices", () => {
    const columns = 70_000;
    const dense = Float32Array.from({ length: columns }, (_, i) => (i % 100 === 99 ? i : 0));
    expect(imported({ name: "s", shape: [1, columns], ...encode(dense, 1, columns, [1, 1]) })).toEqual(dense);
  });

  test("indices and segments that lead nowhere", () => {
    const errorOf = (change: Partial<SparsitySpec>, data = Float32Array.of(5, 6, 7)): string => {
      const sparsity = { traversalOrder: [0, 1], blockMap: [], dimensions: [2, { segments: [0, 1, 3], indices: [1, 0, 2] }], ...change };
      try {
        imported({ name: "s", shape: [2, 3], data, sparsity });
      } catch (error) {
        if (error instanceof LanewiseError) return `${error.code}: ${error.message}`;
        throw error;
      }
      return "no error";
    };
    expect(errorOf({})).toBe("no error");
    expect(errorOf({ traversalOrder: [0, 0] })).toMatchInlineSnapshot(`"format: sparse tensor "s": its traversal order does not fit"`);
    expect(errorOf({ dimensions: [2, { segments: [0, 1, 3], indices: [1, 0, 3] }] })).toMatchInlineSnapshot(
      `"format: sparse tensor "s": index 3 of a dimension of 3"`,
    );
    expect(errorOf({ dimensions: [2, { segments: [0, 1, 9], indices: [1, 0, 2] }] })).toMatchInlineSnapshot(
      `"format: sparse tensor "s": segment 1 is 1 … 9 of 3 indices"`,
    );
    expect(errorOf({ dimensions: [3, { segments: [0, 1, 3], indices: [1, 0, 2] }] })).toMatchInlineSnapshot(
      `"shape: sparse tensor "s": a dense dimension of 3, expected 2"`,
    );
    expect(errorOf({}, Float32Array.of(5))).toMatchInlineSnapshot(`"shape: sparse tensor "s": 4 bytes are too few"`);
  });
});
