import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DataType } from "../../src/graph/types.ts";
import type { TestInput } from "../support/run-op.ts";
import { counting, list, run, sizeOf, tensor } from "../support/tensors.ts";

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
    expect(list(run("reverse_sequence", { batchAxis: 0, timeAxis: 1 }, [x, tensor("int64", [2], [2, 3])])[0]!.data)).toEqual([
      2, 1, 3, 6, 5, 4,
    ]);
  });
});

describe("searches", () => {
  it("top_k agrees with sorting", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.boolean(),
        (values, kSeed, largest) => {
          const k = kSeed % (values.length + 1);
          const order = values.map((_, i) => i).sort((a, b) => (largest ? values[b]! - values[a]! : values[a]! - values[b]!) || a - b);
          const [y, indices] = run(
            "top_k",
            { axis: 0, largest },
            [tensor("float32", [values.length], values), tensor("int64", [1], [k])],
            2,
          );
          expect(list(indices!.data)).toEqual(order.slice(0, k));
          expect(list(y!.data)).toEqual(order.slice(0, k).map((i) => values[i]!));
        },
      ),
    );
  });

  it("non_zero, compress and unique", () => {
    expect(list(run("non_zero", {}, [tensor("bool", [2, 2], [1, 0, 1, 1])])[0]!.data)).toEqual([0, 1, 1, 0, 0, 1]);
    const x = tensor("float32", [3, 2], [1, 2, 3, 4, 5, 6]);
    const [rows] = run("compress", { axis: 0 }, [x, tensor("bool", [3], [0, 1, 1])]);
    expect([rows!.shape, list(rows!.data)]).toEqual([
      [2, 2],
      [3, 4, 5, 6],
    ]);
    expect(list(run("compress", {}, [x, tensor("bool", [5], [0, 1, 0, 0, 1])])[0]!.data)).toEqual([2, 5]);
    const outputs = run("unique", { sorted: false }, [tensor("float32", [6], [2, 1, 1, 3, 4, 3])], 4);
    expect(outputs.map(({ data }) => list(data))).toEqual([
      [2, 1, 3, 4],
      [0, 1, 3, 4],
      [0, 1, 1, 2, 3, 2],
      [1, 2, 2, 1],
    ]);
    const [sorted] = run("unique", { axis: 0 }, [tensor("float32", [3, 2], [2, 0, 1, 9, 2, 0])], 4);
    expect(list(sorted!.data)).toEqual([1, 9, 2, 0]);
  });

  it("non_max_suppression", () => {
    const boxes = tensor(
      "float32",
      [1, 6, 4],
      [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101],
    );
    const scores = tensor("float32", [1, 1, 6], [0.9, 0.75, 0.6, 0.95, 0.5, 0.3]);
    const inputs = [boxes, scores, tensor("int64", [1], [3]), tensor("float32", [1], [0.5]), tensor("float32", [1], [0])];
    expect(list(run("non_max_suppression", {}, inputs)[0]!.data)).toEqual([0, 0, 3, 0, 0, 0, 0, 0, 5]);
  });

  /** Adds every product of elements to where its labels point; a dimension of 1 repeats. */
  function sumProducts(equation: string, inputs: readonly TestInput[]): number[] {
    const [left, output] = equation.split("->") as [string, string];
    const terms = left.split(",");
    const sizes: Record<string, number> = {};
    for (const [i, term] of terms.entries())
      for (const [axis, label] of [...term].entries()) sizes[label] = Math.max(sizes[label] ?? 1, inputs[i]!.shape[axis]!);
    const labels = Object.keys(sizes);
    const at = (term: string, shape: readonly number[], index: Record<string, number>) =>
      [...term].reduce((sum, label, axis) => sum * shape[axis]! + (shape[axis] === 1 ? 0 : index[label]!), 0);
    const shape = [...output].map((label) => sizes[label]!);
    const sums = new Array<number>(sizeOf(shape)).fill(0);
    for (let i = 0; i < sizeOf(Object.values(sizes)); i++) {
      let rest = i;
      const index = Object.fromEntries(
        labels.map((label) => [label, [rest % sizes[label]!, (rest = Math.floor(rest / sizes[label]!))][0]!]),
      );
      const product = terms.reduce((p, term, n) => p * (inputs[n]!.data as number[])[at(term, inputs[n]!.shape, index)]!, 1);
      sums[at(output, shape, index)]! += product;
    }
    return sums;
  }

  it.each([
    [
      "ij,jk->ik",
      "ij,jk->ik",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "bij,bjk",
      "bij,bjk->ik",
      [
        [2, 2, 3],
        [2, 3, 2],
      ],
    ],
    ["...ii->...i", "aii->ai", [[2, 3, 3]]],
    ["ij->ji", "ij->ji", [[2, 3]]],
    ["i,i", "i,i->", [[4], [4]]],
    [
      "...ij,...jk->...ik",
      "aij,ajk->aik",
      [
        [1, 2, 3],
        [5, 3, 2],
      ],
    ],
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
        const x = tensor(
          from,
          [values.length],
          values.map((v) => encode(from, v)),
          constant,
        );
        expect([to, ...list(run("cast", { dataType: to }, [x])[0]!.data)]).toEqual([to, ...expected]);
      }
    }
  });
});
