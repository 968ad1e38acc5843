import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DataType } from "../../src/graph/types.ts";
import { counting, list, run, sizeOf, tensor } from "../support/tensors.ts";

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

  it.each([true, false])("refuses an index outside (known: %s)", (known) => {
    const x = counting("float32", [4, 2]);
    const refused = (op: string, attributes: object, shape: readonly number[], indices: readonly number[], bad: string) => {
      for (const dataType of ["int32", "int64"] as const)
        expect(() => run(op, attributes, [x, tensor(dataType, shape, indices, known)])).toThrow(`node "${op}" (${op}): ${bad}`);
    };
    refused("gather", { axis: 0 }, [2], [0, 4], "index 4 is outside of an axis of 4");
    refused("gather", { axis: 1 }, [3], [1, -3, 0], "index -3 is outside of an axis of 2");
    refused("gather_nd", {}, [2, 2], [3, 1, 0, 2], "index 2 is outside of an axis of 2");
    refused("gather_elements", { axis: 0 }, [1, 2], [0, -5], "index -5 is outside of an axis of 4");
  });
});

describe("scatter", () => {
  it.each([["none"], ["add"], ["mul"], ["max"], ["min"]])("tuples, %s", (reduction) => {
    const x = tensor("float32", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const updates = tensor("float32", [3, 2], [9, 1, 2, 9, 4, 4]);
    const fold = {
      none: (_: number, b: number) => b,
      add: (a: number, b: number) => a + b,
      mul: (a: number, b: number) => a * b,
      max: Math.max,
      min: Math.min,
    }[reduction]!;
    const expected = [...(x.data as number[])];
    for (const [i, row] of [1, 3, 1].entries())
      for (const k of [0, 1]) expected[row * 2 + k] = fold(expected[row * 2 + k]!, (updates.data as number[])[i * 2 + k]!);
    for (const constant of [false, true])
      expect(
        list(
          run("scatter_nd", { reduction }, [
            { ...x, constant },
            tensor("int64", [3, 1], [1, -1, 1], constant),
            { ...updates, constant },
          ])[0]!.data,
        ),
      ).toEqual(expected);
  });

  it.each([true, false])("refuses an index outside (known: %s)", (known) => {
    const [x, updates] = [tensor("float32", [3], [1, 2, 3]), tensor("float32", [2], [8, 9])];
    const refused = /index 3 is outside of an axis of 3/;
    for (const reduction of ["none", "add"])
      expect(() => run("scatter_nd", { reduction }, [x, tensor("int64", [2, 1], [0, 3], known), updates])).toThrow(refused);
    expect(() => run("scatter_elements", { axis: 0 }, [x, tensor("int64", [2], [0, 3], known), updates])).toThrow(refused);
  });

  it("elements", () => {
    const x = tensor("float32", [1, 5], [1, 2, 3, 4, 5]);
    const inputs = [x, tensor("int64", [1, 2], [1, -2]), tensor("float32", [1, 2], [1.1, 2.1])];
    expect(list(run("scatter_elements", { axis: 1 }, inputs)[0]!.data)).toEqual([1, Math.fround(1.1), 3, Math.fround(2.1), 5]);
    expect(list(run("scatter_elements", { axis: 1, reduction: "add" }, inputs)[0]!.data)).toEqual([
      1,
      Math.fround(2 + Math.fround(1.1)),
      3,
      Math.fround(4 + Math.fround(2.1)),
      5,
    ]);
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
        const condition = tensor(
          "bool",
          shapes[0]!,
          Array.from({ length: sizeOf(shapes[0]!) }, (_, i) => ((i * 5) >> 1) & 1),
        );
        const [a, b] = [
          counting(dataType, shapes[1]!),
          tensor(
            dataType,
            shapes[2]!,
            Array.from({ length: sizeOf(shapes[2]!) }, (_, i) => 121 + (i % 5)),
          ),
        ];
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
          return Number(
            (condition.data as number[])[at(shapes[0]!)] ? (a.data as number[])[at(shapes[1]!)] : (b.data as number[])[at(shapes[2]!)],
          );
        });
        for (const constant of [false, true])
          expect(
            list(
              run(
                "where",
                {},
                [condition, a, b].map((x) => ({ ...x, constant })),
              )[0]!.data,
            ),
          ).toEqual(expected.map((v) => (dataType === "int8" ? (v << 24) >> 24 : v)));
      }),
      { numRuns: 60 },
    );
  });
});
