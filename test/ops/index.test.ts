import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DataType, TypedArray } from "../../src/graph/types.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const tensor = (dataType: DataType, shape: readonly number[], values: readonly number[], constant = false): TestInput => ({
  dataType,
  shape,
  data: dataType === "int64" ? BigInt64Array.from(values, BigInt) : values,
  constant,
});
const counting = (dataType: DataType, shape: readonly number[]) => tensor(dataType, shape, Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7) % 120));
const list = (data: TypedArray): number[] => Array.from(data as ArrayLike<number | bigint>, Number);
const run = (op: string, attributes: object, inputs: (TestInput | null)[], outputs = 1) =>
  runOp(op, attributes as never, inputs, { outputs: Array.from({ length: outputs }, () => ({})) });

/** Indices in [−size, size) taken from a list of fractions. */
const indicesFrom = (seed: readonly number[], count: number, size: number) =>
  Array.from({ length: count }, (_, i) => (seed[i % seed.length]! % (2 * size)) - size);

describe("gather", () => {
  const cases = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    axisSeed: fc.nat(),
    indexShape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
    seed: fc.array(fc.nat({ max: 1000 }), { minLength: 7, maxLength: 7 }),
    dataType: fc.constantFrom<DataType>("float32", "int8", "int64", "float16"),
    indexType: fc.constantFrom<DataType>("int32", "int64"),
    constant: fc.boolean(),
  });

  it("takes rows along an axis", () => {
    fc.assert(
      fc.property(cases, ({ shape, axisSeed, indexShape, seed, dataType, indexType, constant }) => {
        const axis = axisSeed % shape.length;
        const [size, inner] = [shape[axis]!, sizeOf(shape.slice(axis + 1))];
        const indices = indicesFrom(seed, sizeOf(indexShape), size);
        const x = counting(dataType, shape);
        const expected: number[] = [];
        for (let o = 0; o < sizeOf(shape.slice(0, axis)); o++)
          for (const index of indices)
            for (let i = 0; i < inner; i++) expected.push(Number((x.data as number[])[(o * size + ((index + size) % size)) * inner + i]));
        for (const known of [false, true]) {
          const [y] = run("gather", { axis }, [{ ...x, constant: known && constant }, tensor(indexType, indexShape, indices, known)]);
          expect(y!.shape).toEqual([...shape.slice(0, axis), ...indexShape, ...shape.slice(axis + 1)]);
          expect(list(y!.data)).toEqual(expected);
        }
      }),
    );
  });

  it("takes rows of every batch", () => {
    const x = counting("float32", [2, 3, 2]);
    const indices = tensor("int32", [2, 2], [0, 2, 1, 1]);
    const [y] = run("gather", { axis: 1, batchDims: 1 }, [x, indices]);
    const at = (b: number, i: number) => [0, 1].map((k) => (x.data as number[])[b * 6 + i * 2 + k]!);
    expect(list(y!.data)).toEqual([...at(0, 0), ...at(0, 2), ...at(1, 1), ...at(1, 1)]);
  });

  it("follows tuples", () => {
    const x = counting("float32", [2, 3, 4]);
    const data = x.data as number[];
    const [whole] = run("gather_nd", {}, [x, tensor("int64", [2, 3], [0, 1, 2, 1, -1, 3])]);
    expect(list(whole!.data)).toEqual([data[6], data[23]]);
    const [rows] = run("gather_nd", {}, [x, tensor("int64", [1, 2], [1, 0])]);
    expect(list(rows!.data)).toEqual(data.slice(12, 16));
    const [batched] = run("gather_nd", { batchDims: 1 }, [x, tensor("int64", [2, 1], [2, 0])]);
    expect(list(batched!.data)).toEqual([...data.slice(8, 12), ...data.slice(12, 16)]);
  });

  it("takes elements one by one", () => {
    const x = tensor("float32", [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const [y] = run("gather_elements", { axis: 0 }, [x, tensor("int64", [2, 3], [1, 2, 0, 2, 0, -3])]);
    expect(list(y!.data)).toEqual([4, 8, 3, 7, 2, 3]);
  });

  it("refuses an index outside while planning and clamps one during a run", () => {
    const x = counting("float32", [4, 2]);
    expect(() => run("gather", { axis: 0 }, [x, tensor("int64", [2], [0, 4], true)])).toThrow("index 4 is outside of an axis of 4");
    expect(list(run("gather", { axis: 0 }, [x, tensor("int64", [2], [0, 99])])[0]!.data)).toEqual([0, 7, 42, 49]);
  });
});

describe("scatter", () => {
  it.each([["none"], ["add"], ["mul"], ["max"], ["min"]])("tuples, %s", (reduction) => {
    const x = tensor("float32", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const updates = tensor("float32", [3, 2], [9, 1, 2, 9, 4, 4]);
    const fold = { none: (_: number, b: number) => b, add: (a: number, b: number) => a + b, mul: (a: number, b: number) => a * b, max: Math.max, min: Math.min }[reduction]!;
    const expected = [...(x.data as number[])];
    for (const [i, row] of [1, 3, 1].entries()) for (const k of [0, 1]) expected[row * 2 + k] = fold(expected[row * 2 + k]!, (updates.data as number[])[i * 2 + k]!);
    for (const constant of [false, true])
      expect(list(run("scatter_nd", { reduction }, [{ ...x, constant }, tensor("int64", [3, 1], [1, -1, 1], constant), { ...updates, constant }])[0]!.data)).toEqual(expected);
  });

  it("elements", () => {
    const x = tensor("float32", [1, 5], [1, 2, 3, 4, 5]);
    const inputs = [x, tensor("int64", [1, 2], [1, -2]), tensor("float32", [1, 2], [1.1, 2.1])];
    expect(list(run("scatter_elements", { axis: 1 }, inputs)[0]!.data)).toEqual([1, Math.fround(1.1), 3, Math.fround(2.1), 5]);
    expect(list(run("scatter_elements", { axis: 1, reduction: "add" }, inputs)[0]!.data)).toEqual([1, Math.fround(2 + Math.fround(1.1)), 3, Math.fround(4 + Math.fround(2.1)), 5]);
  });
});

describe("where", () => {
  it.each<DataType>(["float32", "int8", "int64", "float16"])("broadcasts %s", (dataType) => {
    const dim = fc.constantFrom(1, 2, 5, 9);
    const cases = fc.record({
      shape: fc.array(dim, { minLength: 1, maxLength: 3 }),
      thin: fc.array(fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), { minLength: 3, maxLength: 3 }),
    });
    fc.assert(
      fc.property(cases, ({ shape, thin }) => {
        const shapes = thin.map((flags) => shape.map((size, axis) => (flags[axis] ? 1 : size)));
        const out = shape.map((_, axis) => Math.max(...shapes.map((s) => s[axis]!)));
        const condition = tensor("bool", shapes[0]!, Array.from({ length: sizeOf(shapes[0]!) }, (_, i) => ((i * 5) >> 1) & 1));
        const [a, b] = [counting(dataType, shapes[1]!), tensor(dataType, shapes[2]!, Array.from({ length: sizeOf(shapes[2]!) }, (_, i) => 121 + (i % 5)))];
        const expected = Array.from({ length: sizeOf(out) }, (_, i) => {
          const at = (s: readonly number[]) => {
            let [rest, index, stride] = [i, 0, 1];
            for (let axis = out.length - 1; axis >= 0; axis--) {
              if (s[axis] !== 1) index += (rest % out[axis]!) * stride;
              stride *= s[axis]!;
              rest = Math.floor(rest / out[axis]!);
            }
            return index;
          };
          return Number((condition.data as number[])[at(shapes[0]!)] ? (a.data as number[])[at(shapes[1]!)] : (b.data as number[])[at(shapes[2]!)]);
        });
        for (const constant of [false, true])
          expect(list(run("where", {}, [condition, a, b].map((x) => ({ ...x, constant })))[0]!.data)).toEqual(expected.map((v) => (dataType === "int8" ? (v << 24) >> 24 : v)));
      }),
      { numRuns: 60 },
    );
  });
});

describe("operators that make tensors", () => {
  const shapeOf = (values: readonly number[], constant = false) => tensor("int64", [values.length], values, constant);

  it("shape, size and fill", () => {
    expect(list(run("shape", { start: 1 }, [counting("float32", [2, 3, 4])])[0]!.data)).toEqual([3, 4]);
    expect(list(run("size", {}, [counting("float32", [2, 3, 4])])[0]!.data)).toEqual([24]);
    expect(list(run("fill", { value: 2.5 }, [shapeOf([2, 3])])[0]!.data)).toEqual(Array(6).fill(2.5));
    expect(list(run("fill", { value: -3, dataType: "int64" }, [shapeOf([2], true)])[0]!.data)).toEqual([-3, -3]);
  });

  it("range", () => {
    const scalars = (dataType: DataType, values: number[]) => values.map((v) => tensor(dataType, [], [v]));
    expect(list(run("range", {}, scalars("int64", [10, 4, -2]))[0]!.data)).toEqual([10, 8, 6]);
    expect(list(run("range", {}, scalars("float32", [1, 3, 0.5]))[0]!.data)).toEqual([1, 1.5, 2, 2.5]);
    expect(run("range", {}, scalars("int32", [5, 5, 1]))[0]!.shape).toEqual([0]);
  });

  it("one_hot", () => {
    const [indices, depth, values] = [tensor("int64", [3], [0, -1, 7]), tensor("int64", [], [3]), tensor("float32", [2], [0, 5])];
    expect(list(run("one_hot", { axis: -1 }, [indices, depth, values])[0]!.data)).toEqual([5, 0, 0, 0, 0, 5, 0, 0, 0]);
    expect(list(run("one_hot", { axis: 0 }, [indices, depth, values])[0]!.data)).toEqual([5, 0, 0, 0, 0, 0, 0, 5, 0]);
  });

  it("eye_like and trilu", () => {
    expect(list(run("eye_like", { k: 1, dataType: "float32" }, [counting("int32", [2, 3])])[0]!.data)).toEqual([0, 1, 0, 0, 0, 1]);
    const x = tensor("int64", [2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]);
    expect(list(run("trilu", {}, [x])[0]!.data)).toEqual([1, 2, 3, 0, 5, 6, 7, 8, 9, 0, 2, 3]);
    expect(list(run("trilu", { upper: false, k: -1 }, [x])[0]!.data)).toEqual([0, 0, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0]);
  });

  it("cumsum and reverse_sequence", () => {
    const x = tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6]);
    expect(list(run("cumsum", { axis: 1 }, [x])[0]!.data)).toEqual([1, 3, 6, 4, 9, 15]);
    expect(list(run("cumsum", { axis: -2, reverse: true, exclusive: true }, [x])[0]!.data)).toEqual([4, 5, 6, 0, 0, 0]);
    expect(list(run("reverse_sequence", { batchAxis: 0, timeAxis: 1 }, [x, tensor("int64", [2], [2, 3])])[0]!.data)).toEqual([2, 1, 3, 6, 5, 4]);
  });
});

describe("searches", () => {
  it("top_k agrees with sorting", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 40 }), fc.nat(), fc.boolean(), (values, kSeed, largest) => {
        const k = kSeed % (values.length + 1);
        const order = values.map((_, i) => i).sort((a, b) => (largest ? values[b]! - values[a]! : values[a]! - values[b]!) || a - b);
        const [y, indices] = run("top_k", { axis: 0, largest }, [tensor("float32", [values.length], values), tensor("int64", [1], [k])], 2);
        expect(list(indices!.data)).toEqual(order.slice(0, k));
        expect(list(y!.data)).toEqual(order.slice(0, k).map((i) => values[i]!));
      }),
    );
  });

  it("non_zero, compress and unique", () => {
    expect(list(run("non_zero", {}, [tensor("bool", [2, 2], [1, 0, 1, 1])])[0]!.data)).toEqual([0, 1, 1, 0, 0, 1]);
    const x = tensor("float32", [3, 2], [1, 2, 3, 4, 5, 6]);
    const [rows] = run("compress", { axis: 0 }, [x, tensor("bool", [3], [0, 1, 1])]);
    expect([rows!.shape, list(rows!.data)]).toEqual([[2, 2], [3, 4, 5, 6]]);
    expect(list(run("compress", {}, [x, tensor("bool", [5], [0, 1, 0, 0, 1])])[0]!.data)).toEqual([2, 5]);
    const outputs = run("unique", { sorted: false }, [tensor("float32", [6], [2, 1, 1, 3, 4, 3])], 4);
    expect(outputs.map(({ data }) => list(data))).toEqual([[2, 1, 3, 4], [0, 1, 3, 4], [0, 1, 1, 2, 3, 2], [1, 2, 2, 1]]);
    const [sorted] = run("unique", { axis: 0 }, [tensor("float32", [3, 2], [2, 0, 1, 9, 2, 0])], 4);
    expect(list(sorted!.data)).toEqual([1, 9, 2, 0]);
  });

  it("non_max_suppression", () => {
    const boxes = tensor("float32", [1, 6, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101]);
    const scores = tensor("float32", [1, 1, 6], [0.9, 0.75, 0.6, 0.95, 0.5, 0.3]);
    const inputs = [boxes, scores, tensor("int64", [1], [3]), tensor("float32", [1], [0.5]), tensor("float32", [1], [0])];
    expect(list(run("non_max_suppression", {}, inputs)[0]!.data)).toEqual([0, 0, 3, 0, 0, 0, 0, 0, 5]);
  });

  /** Adds every product of elements to where its labels point; a dimension of 1 repeats. */
  function sumProducts(equation: string, inputs: readonly TestInput[]): number[] {
    const [left, output] = equation.split("->") as [string, string];
    const terms = left.split(",");
    const sizes: Record<string, number> = {};
    for (const [i, term] of terms.entries()) for (const [axis, label] of [...term].entries()) sizes[label] = Math.max(sizes[label] ?? 1, inputs[i]!.shape[axis]!);
    const labels = Object.keys(sizes);
    const at = (term: string, shape: readonly number[], index: Record<string, number>) =>
      [...term].reduce((sum, label, axis) => sum * shape[axis]! + (shape[axis] === 1 ? 0 : index[label]!), 0);
    const shape = [...output].map((label) => sizes[label]!);
    const sums = new Array<number>(sizeOf(shape)).fill(0);
    for (let i = 0; i < sizeOf(Object.values(sizes)); i++) {
      let rest = i;
      const index = Object.fromEntries(labels.map((label) => [label, [rest % sizes[label]!, (rest = Math.floor(rest / sizes[label]!))][0]!]));
      const product = terms.reduce((p, term, n) => p * (inputs[n]!.data as number[])[at(term, inputs[n]!.shape, index)]!, 1);
      sums[at(output, shape, index)]! += product;
    }
    return sums;
  }

  it.each([
    ["ij,jk->ik", "ij,jk->ik", [[2, 3], [3, 4]]],
    ["bij,bjk", "bij,bjk->ik", [[2, 2, 3], [2, 3, 2]]],
    ["...ii->...i", "aii->ai", [[2, 3, 3]]],
    ["ij->ji", "ij->ji", [[2, 3]]],
    ["i,i", "i,i->", [[4], [4]]],
    ["...ij,...jk->...ik", "aij,ajk->aik", [[1, 2, 3], [5, 3, 2]]],
  ])("einsum %s", (equation, named, shapes) => {
    const inputs = shapes.map((shape) => counting("float32", shape));
    expect(list(run("einsum", { equation }, inputs)[0]!.data)).toEqual(sumProducts(named, inputs));
  });
});

describe("cast", () => {
  const TYPES: readonly DataType[] = ["float32", "float16", "int32", "int64", "uint8", "int8", "bool", "int16", "uint32", "float64"];
  it.each(TYPES)("%s to every other type", (from) => {
    const signed = from !== "bool" && !from.startsWith("uint");
    const values = from === "bool" ? [0, 1, 1] : [0, 1, 2, 5, 77, 100, ...(signed ? [-1, -77] : [])];
    const bits: Record<number, number> = { 0: 0, 1: 0x3c00, 2: 0x4000, 5: 0x4500, 77: 0x54d0, 100: 0x5640, [-1]: 0xbc00, [-77]: 0xd4d0 };
    const encode = (dataType: DataType, v: number) => (dataType === "float16" ? bits[v]! : v);
    for (const to of TYPES) {
      const wrap = (v: number) => {
        if (to === "bool") return v ? 1 : 0;
        if (to === "uint8") return v & 255;
        return to === "uint32" ? v >>> 0 : v;
      };
      const expected = values.map((v) => encode(to, wrap(v)));
      for (const constant of [false, true]) {
        const x = tensor(from, [values.length], values.map((v) => encode(from, v)), constant);
        expect([to, ...list(run("cast", { dataType: to }, [x])[0]!.data)]).toEqual([to, ...expected]);
      }
    }
  });
});
