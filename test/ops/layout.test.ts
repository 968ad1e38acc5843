import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DataType, TypedArray } from "../../src/graph/types.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const counting = (dataType: DataType, shape: readonly number[], from = 0): TestInput => {
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => ((i + from) * 7) % 120);
  return { dataType, shape, data: dataType === "int64" ? BigInt64Array.from(numbers, BigInt) : numbers };
};
const integers = (values: readonly number[], constant = true): TestInput => ({
  dataType: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
  constant,
});
const numbers = (data: TypedArray): number[] => Array.from(data as ArrayLike<number | bigint>, Number);

/** Every index of a shape, in order. */
function* indicesOf(shape: readonly number[]): Generator<number[]> {
  for (let i = 0; i < sizeOf(shape); i++) {
    let rest = i;
    yield shape.reduceRight<number[]>((index, dim) => {
      index.unshift(rest % dim);
      rest = Math.floor(rest / dim);
      return index;
    }, []);
  }
}
const flat = (index: readonly number[], shape: readonly number[]) => index.reduce((at, i, axis) => at * shape[axis]! + i, 0);

/** What an operator that moves elements should give: each output element from the input index that `from` names. */
function moved(x: TestInput, shape: readonly number[], from: (index: number[]) => readonly number[]): number[] {
  return [...indicesOf(shape)].map((index) => Number((x.data as TypedArray)[flat(from(index), x.shape)]));
}

const dims = (rank: number, max = 7) => fc.array(fc.integer({ min: 1, max }), { minLength: rank, maxLength: rank });
const TYPES: readonly DataType[] = ["float32", "int8", "int64", "uint8", "float16"];

/** Runs with the input given at run time, and as a constant, which the planner evaluates in TypeScript. */
function bothWays(op: string, attributes: object, inputs: TestInput[]): number[][] {
  const run = (constant: boolean) => numbers(runOp(op, attributes as never, [{ ...inputs[0]!, constant }, ...inputs.slice(1)])[0]!.data);
  return [run(false), run(true)];
}

function expectBothWays(op: string, attributes: object, inputs: TestInput[], expected: readonly number[]): void {
  for (const result of bothWays(op, attributes, inputs)) expect(result).toEqual(expected);
}

describe("operators that move elements", () => {
  it.each(TYPES)("transpose %s", (dataType) => {
    const cases = fc
      .integer({ min: 1, max: 5 })
      .chain((rank) => fc.record({ shape: dims(rank), perm: fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank }) }));
    fc.assert(
      fc.property(cases, ({ shape, perm }) => {
        const x = counting(dataType, shape);
        const expected = moved(
          x,
          perm.map((axis) => shape[axis]!),
          (index) => shape.map((_, axis) => index[perm.indexOf(axis)]!),
        );
        expectBothWays("transpose", { perm }, [x], expected);
      }),
      { numRuns: 40 },
    );
  });

  it("slice with any step", () => {
    const position = fc.integer({ min: -9, max: 9 });
    const cases = fc.integer({ min: 1, max: 4 }).chain((rank) =>
      fc.record({
        shape: dims(rank),
        starts: fc.array(position, { minLength: rank, maxLength: rank }),
        ends: fc.array(position, { minLength: rank, maxLength: rank }),
        steps: fc.array(fc.constantFrom(1, 1, 2, 3, -1, -2), { minLength: rank, maxLength: rank }),
        asInputs: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(cases, ({ shape, starts, ends, steps, asInputs }) => {
        const x = counting("float32", shape);
        const taken = shape.map((dim, axis) => {
          const all = [...Array(dim).keys()];
          const positive = (p: number) => (p < 0 ? p + dim : p);
          const [start, end, step] = [Math.max(positive(starts[axis]!), 0), positive(ends[axis]!), steps[axis]!];
          const low = (i: number) => (step > 0 ? i >= start && i < end : i <= start && i > end);
          const ordered = step > 0 ? all : all.reverse();
          return ordered.filter(low).filter((_, i) => i % Math.abs(step) === 0);
        });
        const expected = moved(
          x,
          taken.map((list) => list.length),
          (index) => index.map((i, axis) => taken[axis]![i]!),
        );
        const axes = shape.map((_, axis) => axis);
        if (asInputs) expectBothWays("slice", {}, [x, integers(starts), integers(ends), integers(axes), integers(steps)], expected);
        else expectBothWays("slice", { starts, ends, axes, steps }, [x], expected);
      }),
      { numRuns: 150 },
    );
  });

  it("pad in every mode", () => {
    const pads = (rank: number) => fc.array(fc.integer({ min: -2, max: 5 }), { minLength: 2 * rank, maxLength: 2 * rank });
    const cases = fc
      .integer({ min: 1, max: 4 })
      .chain((rank) =>
        fc.record({ shape: dims(rank, 5), pads: pads(rank), mode: fc.constantFrom("constant", "edge", "reflect", "wrap", "symmetric") }),
      );
    const fold = (mode: string, i: number, size: number): number => {
      if (mode === "edge") return Math.min(Math.max(i, 0), size - 1);
      if (mode === "wrap") return ((i % size) + size) % size;
      if (i >= 0 && i < size) return i;
      if (mode === "reflect") return size === 1 ? 0 : fold(mode, i < 0 ? -i : 2 * (size - 1) - i, size);
      return fold(mode, i < 0 ? -i - 1 : 2 * size - 1 - i, size);
    };
    fc.assert(
      fc.property(cases, fc.constantFrom<DataType>("float32", "int8"), ({ shape, pads, mode }, dataType) => {
        const rank = shape.length;
        const padded = shape.map((dim, axis) => dim + pads[axis]! + pads[axis + rank]!);
        fc.pre(padded.every((dim) => dim >= 0));
        const x = counting(dataType, shape);
        const expected = [...indicesOf(padded)].map((index) => {
          const inside = index.map((i, axis) => i - pads[axis]!);
          if (mode === "constant" && inside.some((i, axis) => i < 0 || i >= shape[axis]!)) return 9;
          return Number(
            (x.data as number[])[
              flat(
                inside.map((i, axis) => fold(mode, i, shape[axis]!)),
                shape,
              )
            ],
          );
        });
        expectBothWays("pad", { mode, pads, value: 9 }, [x], expected);
      }),
      { numRuns: 200 },
    );
  });

  it.each(["dcr", "crd"])("depth_to_space %s and back", (mode) => {
    fc.assert(
      fc.property(dims(4, 5), fc.integer({ min: 1, max: 3 }), fc.constantFrom<DataType>("float32", "int8"), (shape, block, dataType) => {
        const [n, h, w, c] = shape as [number, number, number, number];
        const x = counting(dataType, [n, h, w, c * block * block]);
        const channel = (by: number, bx: number, k: number) => (mode === "dcr" ? (by * block + bx) * c + k : (k * block + by) * block + bx);
        const from = ([i, y, z, k]: number[]) => [i!, Math.floor(y! / block), Math.floor(z! / block), channel(y! % block, z! % block, k!)];
        expectBothWays("depth_to_space", { block, mode }, [x], moved(x, [n, h * block, w * block, c], from));
        if (mode === "crd") return;
        const wide = counting(dataType, [n, h * block, w * block, c]);
        const back = ([i, y, z, k]: number[]) => {
          const at = Math.floor(k! / c);
          return [i!, y! * block + Math.floor(at / block), z! * block + (at % block), k! % c];
        };
        expectBothWays("space_to_depth", { block }, [wide], moved(wide, [n, h, w, c * block * block], back));
      }),
      { numRuns: 40 },
    );
  });

  it("tile and expand", () => {
    const cases = fc.integer({ min: 1, max: 4 }).chain((rank) => fc.record({ shape: dims(rank, 5), repeats: dims(rank, 3) }));
    fc.assert(
      fc.property(cases, ({ shape, repeats }) => {
        const x = counting("float32", shape);
        const expected = moved(
          x,
          shape.map((dim, axis) => dim * repeats[axis]!),
          (index) => index.map((i, axis) => i % shape[axis]!),
        );
        expectBothWays("tile", { repeats }, [x], expected);
        const thin = counting(
          "float32",
          shape.map((dim, axis) => (repeats[axis] === 1 ? dim : 1)),
        );
        const wide = moved(thin, shape, (index) => index.map((i, axis) => (thin.shape[axis] === 1 ? 0 : i)));
        expectBothWays("expand", { shape }, [thin], wide);
      }),
      { numRuns: 60 },
    );
  });

  it("split and concat are inverse", () => {
    const cases = fc
      .integer({ min: 1, max: 4 })
      .chain((rank) => fc.record({ shape: dims(rank), axis: fc.integer({ min: 0, max: rank - 1 }), sizes: dims(3, 5) }));
    fc.assert(
      fc.property(cases, fc.constantFrom<DataType>("float32", "int8", "int64"), ({ shape, axis, sizes }, dataType) => {
        const x = counting(
          dataType,
          shape.with(
            axis,
            sizes.reduce((a, b) => a + b, 0),
          ),
        );
        const parts = runOp("split", { axis, sizes }, [x], { outputs: [{}, {}, {}] });
        for (const [i, part] of parts.entries()) {
          const start = sizes.slice(0, i).reduce((a, b) => a + b, 0);
          expect(numbers(part.data)).toEqual(moved(x, part.shape, (index) => index.with(axis, index[axis]! + start)));
        }
        const [joined] = runOp("concat", { axis }, parts);
        expect(joined!.shape).toEqual(x.shape);
        expect(numbers(joined!.data)).toEqual(numbers(x.data as TypedArray));
      }),
      { numRuns: 60 },
    );
  });

  it("strided_slice with its masks", () => {
    const x = counting("int32", [2, 3, 4, 5]);
    const cases: [object, number[], (index: number[]) => number[]][] = [
      [{ begin: [0, 1], end: [0, 3], strides: [1, 1], beginMask: 1, endMask: 1 }, [2, 2, 4, 5], ([a, b, c, d]) => [a!, b! + 1, c!, d!]],
      [{ begin: [0, -1], end: [0, -99], strides: [1, -2], ellipsisMask: 1 }, [2, 3, 4, 3], ([a, b, c, d]) => [a!, b!, c!, 4 - 2 * d!]],
      [
        { begin: [1, 0, 2], end: [2, 0, 3], strides: [1, 1, 1], shrinkAxisMask: 1, newAxisMask: 2 },
        [1, 1, 4, 5],
        ([, , c, d]) => [1, 2, c!, d!],
      ],
      [
        { begin: [0, 0, 0, 0], end: [0, 0, 0, 0], strides: [-1, 1, 1, 1], beginMask: 15, endMask: 15 },
        [2, 3, 4, 5],
        ([a, ...rest]) => [1 - a!, ...rest],
      ],
    ];
    for (const [attributes, shape, from] of cases) {
      const [y] = runOp("strided_slice", attributes as never, [x]);
      expect(y!.shape).toEqual(shape);
      expect(numbers(y!.data)).toEqual(moved(x, shape, from));
    }
  });

  it.each<[string, object, number[], number[]]>([
    ["reshape", { shape: [0, -1] }, [2, 3, 4], [2, 12]],
    ["reshape", { shape: [4, 0], allowZero: true }, [2, 0], [4, 0]],
    ["squeeze", {}, [1, 3, 1, 4], [3, 4]],
    ["squeeze", { axes: [-2] }, [1, 3, 1, 4], [1, 3, 4]],
    ["unsqueeze", { axes: [0, -1] }, [3, 4], [1, 3, 4, 1]],
    ["flatten", { axis: 2 }, [2, 3, 4, 5], [6, 20]],
    ["flatten", { axis: 0 }, [2, 3], [1, 6]],
  ])("%s %o gives a view", (op, attributes, from, to) => {
    const x = counting("float32", from);
    const [y] = runOp(op, attributes as never, [x]);
    expect(y!.shape).toEqual(to);
    expect(numbers(y!.data)).toEqual(x.data);
  });

  it("refuses a squeeze of a wide axis, a reshape to another size and an axis too many", () => {
    const x = counting("float32", [2, 3]);
    expect(() => runOp("squeeze", { axes: [1] }, [x])).toThrow("axis 1 has 3 elements");
    expect(() => runOp("reshape", { shape: [4, 2] }, [x])).toThrow("6 elements cannot take the shape [4,2]");
    expect(() => runOp("concat", { axis: 2 }, [x, x])).toThrow("axis 2 is not one of the 2 axes");
  });
});
