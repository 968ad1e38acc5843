// Operators that few models have: trees, and where the maxima of windows stand.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TREE_MODE } from "../../src/ops/pack-trees.ts";
import { numbers } from "../support/close.ts";
import { list, run, tensor } from "../support/tensors.ts";

describe("tree_ensemble", () => {
  const ROWS = tensor("float32", [4, 2], [1, 5, 2, 5, 3, 7, NaN, 5]);
  /** Two trees: feature 0 against 2, and feature 1 against 6; leaves add 1 or 2 to target 0, 10 or 20 to target 1. */
  const ensemble = (mode: number) => [
    tensor("int32", [6, 4], [0, mode, 1, 2, 0, 0, 0, 1, 0, 0, 1, 2, 1, TREE_MODE.less, 4, 5, 0, 0, 2, 3, 0, 0, 3, 4], true),
    tensor("float32", [6], [2, 0, 0, 6, 0, 0], true),
    tensor("int32", [2], [0, 3], true),
    tensor("int32", [4], [0, 0, 1, 1], true),
    tensor("float32", [4], [1, 2, 10, 20], true),
  ];
  const scores = (mode: number, aggregate = "sum") =>
    list(run("tree_ensemble", { targets: 2, aggregate }, [ROWS, ...ensemble(mode)])[0]!.data);

  it.each([
    ["lessEqual", (x: number) => x <= 2],
    ["less", (x: number) => x < 2],
    ["greaterEqual", (x: number) => x >= 2],
    ["greater", (x: number) => x > 2],
    ["equal", (x: number) => x === 2],
    ["notEqual", (x: number) => x !== 2],
  ] as const)("%s", (name, isTrue) => {
    const expected = (missing: boolean) =>
      [1, 2, 3, Number.NaN].flatMap((x, row) => [isTrue(x) || (missing && Number.isNaN(x)) ? 1 : 2, row === 2 ? 20 : 10]);
    expect(scores(TREE_MODE[name])).toEqual(expected(false));
    expect(scores(TREE_MODE[name] + TREE_MODE.missingIsTrue)).toEqual(expected(true));
    expect(scores(TREE_MODE[name], "average")).toEqual(expected(false).map((sum) => sum / 2));
  });

  it.each([
    ["leads in a circle", { 2: 0, 3: 0 }, "lead in a circle"],
    ["leads outside", { 2: 6, 3: -1 }, "the trees have no node"],
    ["asks what no node asks", { 1: 9 }, "node 0 has mode 9"],
  ] as const)("refuses a tree that %s", (_, words, message) => {
    const [nodes, ...rest] = ensemble(TREE_MODE.less);
    const data = Array.from(nodes!.data as number[], (word, i) => (words as Record<number, number>)[i] ?? word);
    expect(() => run("tree_ensemble", { targets: 2 }, [ROWS, { ...nodes!, data }, ...rest])).toThrow(message);
  });

  const VALUES = [Number.NaN, -Infinity, Infinity, 0, -0, 2 ** -149, -(2 ** -149), 1, 1 + 2 ** -23, -1, 3.5];
  const cases = fc.record({
    trees: fc.array(
      fc.array(
        fc.record({
          mode: fc.constantFrom(0, 1, 2, 3, 4, 5, 6),
          missing: fc.constantFrom(0, TREE_MODE.missingIsTrue),
          feature: fc.integer({ min: 0, max: 2 }),
          threshold: fc.constantFrom(...VALUES),
          seed: fc.nat({ max: 99 }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      { minLength: 1, maxLength: 6 },
    ),
    rows: fc.array(fc.constantFrom(...VALUES), { minLength: 3, maxLength: 15 }),
    aggregate: fc.constantFrom("sum", "average"),
  });

  it("gives the same bits where the trees are constants, and so walked by a kernel", () => {
    fc.assert(
      fc.property(cases, ({ trees, rows, aggregate }) => {
        const roots = trees.map((_, i) => trees.slice(0, i).flat().length);
        // A node leads to two of those after it in its tree, which may be shared; the last is a leaf.
        const words = trees.flatMap((tree, t) =>
          tree.flatMap(({ mode, missing, feature, seed }, i) => {
            const after = tree.length - 1 - i;
            const next = (n: number) => roots[t]! + i + 1 + (n % after);
            return mode === 0 || after === 0 ? [0, 0, seed % 5, (seed % 7) + 1] : [feature, mode + missing, next(seed), next(seed >> 2)];
          }),
        );
        const inputs = (constant: boolean) => [
          tensor("int32", [words.length / 4, 4], words, constant),
          tensor(
            "float32",
            [words.length / 4],
            trees.flat().map(({ threshold }) => threshold),
            constant,
          ),
          tensor("int32", [roots.length], roots, constant),
          tensor("int32", [8], [0, 1, 2, 0, 1, 2, 1, 1], constant),
          tensor("float32", [8], [0.1, -0.7, 1e-3, 1e7, 0.3, 5, -5, 1 / 3], constant),
        ];
        const x = tensor("float32", [Math.floor(rows.length / 3), 3], rows.slice(0, rows.length - (rows.length % 3)));
        const [known, found] = [true, false].map((constant) =>
          list(run("tree_ensemble", { targets: 3, aggregate }, [x, ...inputs(constant)])[0]!.data),
        );
        expect(known).toEqual(found);
      }),
    );
  });

  it("refuses a leaf whose target is none", () => {
    expect(() => run("tree_ensemble", { targets: 1 }, [ROWS, ...ensemble(TREE_MODE.less)])).toThrow("target 1 of 1");
  });
});

describe("max_pool_positions", () => {
  it.each([false, true])("counts over N, C, H, W (by column: %s)", (byColumn) => {
    const [n, height, width, channels] = [2, 5, 4, 3];
    const data = numbers(n * height * width * channels, 7);
    const x = { dataType: "float32" as const, shape: [n, height, width, channels], data };
    const [y] = run("max_pool_positions", { kernel: [2, 3], strides: [2, 1], padding: [1, 0, 0, 1], byColumn }, [x]);
    expect(y!.shape).toEqual([2, 3, 3, 3]);
    const expected = list(y!.data).map((_, i) => {
      const [c, col, row, image] = [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9) % 3, Math.floor(i / 27)];
      const inside = [2 * row - 1, 2 * row].flatMap((iy) => [col, col + 1, col + 2].map((ix) => [iy, ix] as const));
      const candidates = inside.filter(([iy, ix]) => iy >= 0 && iy < height && ix < width);
      const value = ([iy, ix]: readonly [number, number]) => data[((image * height + iy) * width + ix) * channels + c]!;
      const [iy, ix] = candidates.reduce((best, other) => (value(other) > value(best) ? other : best));
      return (image * channels + c) * height * width + (byColumn ? ix * height + iy : iy * width + ix);
    });
    expect(list(y!.data)).toEqual(expected);
  });
});
