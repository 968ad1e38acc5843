import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectClose, numbers } from "../support/close.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const f32 = (shape: readonly number[], data: ArrayLike<number>, constant = false): TestInput => ({
  dataType: "float32",
  shape,
  data: Float32Array.from(data),
  constant,
});
const f64 = (shape: readonly number[], data: ArrayLike<number>): TestInput => ({
  dataType: "float64",
  shape,
  data: Float64Array.from(data),
});
const int64 = (shape: readonly number[], data: readonly number[], constant = false): TestInput => ({
  dataType: "int64",
  shape,
  data: BigInt64Array.from(data, BigInt),
  constant,
});
const list = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);
const run = (op: string, attributes: object, inputs: (TestInput | null)[], outputs = 1) =>
  runOp(op, attributes as never, inputs, { outputs: Array.from({ length: outputs }, () => ({})) });

const total = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x, 0);
const REDUCTIONS: { readonly [name: string]: (xs: readonly number[]) => number } = {
  reduce_sum: total,
  reduce_mean: (xs) => total(xs) / xs.length,
  reduce_max: (xs) => Math.max(...xs),
  reduce_min: (xs) => Math.min(...xs),
  reduce_prod: (xs) => xs.reduce((product, x) => product * x, 1),
  reduce_l1: (xs) => total(xs.map(Math.abs)),
  reduce_l2: (xs) => Math.hypot(...xs),
  reduce_sum_square: (xs) => total(xs.map((x) => x * x)),
  reduce_log_sum: (xs) => Math.log(total(xs)),
  reduce_log_sum_exp: (xs) => Math.log(total(xs.map(Math.exp))),
};

/** Elements that are reduced together, in the order of the outputs. */
function groupsOf(shape: readonly number[], axes: readonly number[], x: ArrayLike<number>): number[][] {
  const groups = new Map<string, number[]>();
  for (let i = 0; i < sizeOf(shape); i++) {
    let rest = i;
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    const key = String(index.filter((_, axis) => !axes.includes(axis)));
    groups.set(key, [...(groups.get(key) ?? []), x[i]!]);
  }
  return [...groups.values()];
}

const reduced = fc
  .record({
    shape: fc.array(fc.constantFrom(1, 2, 3, 5, 7), { minLength: 1, maxLength: 5 }),
    mask: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  })
  .map(({ shape, mask }) => ({ shape, axes: shape.map((_, axis) => axis).filter((axis) => mask[axis]) }))
  .filter(({ axes }) => axes.length > 0);

describe("reductions", () => {
  it.each(Object.keys(REDUCTIONS))("%s over any axes", (name) => {
    fc.assert(
      fc.property(reduced, fc.boolean(), fc.boolean(), ({ shape, axes }, keepDims, asInput) => {
        const x = numbers(sizeOf(shape)).map((v) => Math.abs(v) / 2 + 0.5);
        const expected = groupsOf(shape, axes, x).map(REDUCTIONS[name]!);
        const negative = axes.map((axis, i) => (i % 2 ? axis : axis - shape.length));
        const attributes = asInput ? { keepDims } : { keepDims, axes: negative };
        const extra = asInput ? [int64([axes.length], negative, true)] : [];
        for (const make of [f32, f64]) {
          const [y] = run(name, attributes, [make(shape, x), ...extra]);
          expect(y!.shape).toEqual(shape.flatMap((dim, axis) => (!axes.includes(axis) ? [dim] : keepDims ? [1] : [])));
          expectClose(list(y!.data), expected, { ulp: 16, absolute: 1e-6 });
        }
      }),
      { numRuns: 30 },
    );
  });

  it("empty axes mean all, or none", () => {
    const x = f32([2, 2], [1, 2, 3, 4]);
    expect(list(run("reduce_sum", { keepDims: false }, [x])[0]!.data)).toEqual([10]);
    expect(list(run("reduce_sum", { axes: [], noopWithEmptyAxes: true }, [x])[0]!.data)).toEqual([1, 2, 3, 4]);
    expect(list(run("reduce_sum_square", { axes: [], noopWithEmptyAxes: true }, [x])[0]!.data)).toEqual([1, 4, 9, 16]);
    expect(list(run("reduce_sum", { axes: [1] }, [f32([2, 0], [])])[0]!.data)).toEqual([0, 0]);
  });

  it("integers and truth values", () => {
    expect(list(run("reduce_sum", { axes: [0] }, [int64([2, 2], [1, 2, 3, 4])])[0]!.data)).toEqual([4, 6]);
    expect(list(run("reduce_max", { axes: [1] }, [{ dataType: "int32", shape: [2, 2], data: [5, -2, -7, -9] }])[0]!.data)).toEqual([5, -7]);
    const bools: TestInput = { dataType: "bool", shape: [2, 2], data: [0, 1, 1, 1] };
    expect(list(run("reduce_any", { axes: [1] }, [bools])[0]!.data)).toEqual([1, 1]);
    expect(list(run("reduce_all", { axes: [1] }, [bools])[0]!.data)).toEqual([0, 1]);
  });

  it("axes that only a run tells", () => {
    const [y] = run("reduce_sum", { keepDims: true }, [f32([2, 3], [1, 2, 3, 4, 5, 6]), int64([1], [1])]);
    expect([y!.shape, list(y!.data)]).toEqual([
      [2, 1],
      [6, 15],
    ]);
  });

  it("arg_max and arg_min", () => {
    const x = [1, 5, 5, 2, 0, 9, 9, 0];
    const data: TestInput[] = [f32([2, 4], x), int64([2, 4], x), { dataType: "int8", shape: [2, 4], data: x }];
    for (const input of data) {
      expect(list(run("arg_max", { axis: 1 }, [input])[0]!.data)).toEqual([1, 1]);
      expect(list(run("arg_max", { axis: -1, selectLast: true, dataType: "int32" }, [input])[0]!.data)).toEqual([2, 2]);
      expect(list(run("arg_min", { axis: 0 }, [input])[0]!.data)).toEqual([1, 0, 0, 1]);
      expect(run("arg_min", { axis: 0, keepDims: false }, [input])[0]!.shape).toEqual([4]);
    }
  });
});

describe("softmax and normalizations", () => {
  const softmax = (xs: readonly number[], beta: number) => {
    const sum = total(xs.map((x) => Math.exp(beta * x)));
    return xs.map((x) => Math.exp(beta * x) / sum);
  };

  it.each([[0], [1], [2], [-1]])("softmax along axis %i", (axis) => {
    const shape = [3, 5, 7];
    const x = numbers(sizeOf(shape));
    const at = (axis + 3) % 3;
    const inner = sizeOf(shape.slice(at + 1));
    const expected = new Float64Array(x.length);
    for (let i = 0; i < x.length; i++) {
      if (Math.floor(i / inner) % shape[at]! !== 0) continue;
      const lane = Array.from({ length: shape[at]! }, (_, k) => i + k * inner);
      for (const [k, value] of softmax(
        lane.map((j) => x[j]!),
        0.5,
      ).entries())
        expected[lane[k]!] = value;
    }
    for (const make of [f32, f64]) {
      expectClose(list(run("softmax", { axis, beta: 0.5 }, [make(shape, x)])[0]!.data), expected, { ulp: 8 });
      expectClose(list(run("log_softmax", { axis, beta: 0.5 }, [make(shape, x)])[0]!.data), expected.map(Math.log), {
        ulp: 8,
        absolute: 1e-6,
      });
    }
  });

  it("layer_norm and rms_norm over the last axes", () => {
    const [shape, cols] = [[2, 3, 5, 7], 35];
    const x = numbers(sizeOf(shape));
    const [scale, bias] = [numbers(cols, 2), numbers(cols, 3)];
    const rows = Array.from({ length: 6 }, (_, row) => [...x.subarray(row * cols, (row + 1) * cols)]);
    const normalize = (centred: boolean, withBias: boolean) =>
      rows.flatMap((row) => {
        const mean = centred ? total(row) / cols : 0;
        const factor = 1 / Math.sqrt(total(row.map((v) => (v - mean) ** 2)) / cols + 1e-5);
        return row.map((v, i) => (v - mean) * factor * scale[i]! + (withBias ? bias[i]! : 0));
      });
    for (const make of [f32, f64]) {
      const [sx, ss, sb] = [make(shape, x), make([5, 7], scale), make([5, 7], bias)];
      expectClose(list(run("layer_norm", { axis: 2 }, [sx, ss, sb])[0]!.data), normalize(true, true), { absolute: 1e-5 });
      expectClose(list(run("layer_norm", { axis: -2 }, [sx, ss])[0]!.data), normalize(true, false), { absolute: 1e-5 });
      expectClose(list(run("rms_norm", { axis: 2 }, [sx, ss])[0]!.data), normalize(false, false), { absolute: 1e-5 });
      const [, mean, factor] = run("layer_norm", { axis: 2 }, [sx, ss, sb], 3);
      expect(mean!.shape).toEqual([2, 3, 1, 1]);
      expectClose(
        list(mean!.data),
        rows.map((row) => total(row) / cols),
        { absolute: 1e-6 },
      );
      expectClose(
        list(factor!.data),
        rows.map((row) => 1 / Math.sqrt(total(row.map((v) => (v - total(row) / cols) ** 2)) / cols + 1e-5)),
        { absolute: 1e-5 },
      );
    }
  });

  it.each([1, 2, 6])("group_norm in %i groups", (groups) => {
    const [samples, pixels, channels] = [2, 9, 6];
    const x = numbers(samples * pixels * channels);
    const [scale, bias] = [numbers(channels, 2), numbers(channels, 3)];
    const size = channels / groups;
    const expected = new Float64Array(x.length);
    for (let n = 0; n < samples; n++)
      for (let group = 0; group < groups; group++) {
        const at = Array.from(
          { length: pixels * size },
          (_, i) => (n * pixels + Math.floor(i / size)) * channels + group * size + (i % size),
        );
        const mean = total(at.map((i) => x[i]!)) / at.length;
        const factor = 1 / Math.sqrt(total(at.map((i) => (x[i]! - mean) ** 2)) / at.length + 1e-5);
        for (const i of at) expected[i] = (x[i]! - mean) * factor * scale[i % channels]! + bias[i % channels]!;
      }
    for (const make of [f32, f64]) {
      const inputs = [make([samples, 3, 3, channels], x), make([channels], scale), make([channels], bias)];
      expectClose(list(run("group_norm", { groups }, inputs)[0]!.data), expected, { absolute: 1e-5 });
    }
  });

  it.each([
    [3, 5],
    [5, 33],
    [4, 17],
    [2, 8],
    [7, 3],
  ])("lrn over %i of %i channels", (size, channels) => {
    const x = numbers(3 * channels);
    const before = Math.floor((size - 1) / 2);
    const expected = Array.from(x, (v, i) => {
      const row = i - (i % channels);
      const window = Array.from({ length: size }, (_, k) => (i % channels) - before + k).filter((c) => c >= 0 && c < channels);
      return v / (2 + (0.3 / size) * total(window.map((c) => x[row + c]! ** 2))) ** 0.6;
    });
    for (const make of [f32, f64])
      expectClose(list(run("lrn", { size, alpha: 0.3, beta: 0.6, bias: 2 }, [make([3, channels], x)])[0]!.data), expected, { ulp: 6 });
  });
});

describe("pools", () => {
  const x = numbers(2 * 5 * 7 * 3);
  const naive = (kind: string, kernel: number[], strides: number[], pads: number[], out: number[], include: boolean) => {
    const expected: number[] = [];
    for (let n = 0; n < 2; n++)
      for (let row = 0; row < out[0]!; row++)
        for (let col = 0; col < out[1]!; col++)
          for (let c = 0; c < 3; c++) {
            const window: number[] = [];
            let counted = 0;
            for (let ky = 0; ky < kernel[0]!; ky++)
              for (let kx = 0; kx < kernel[1]!; kx++) {
                const [iy, ix] = [row * strides[0]! - pads[0]! + ky, col * strides[1]! - pads[1]! + kx];
                const inside = iy >= 0 && iy < 5 && ix >= 0 && ix < 7;
                if (inside) window.push(x[((n * 5 + iy) * 7 + ix) * 3 + c]!);
                if (inside || (include && iy < 5 + pads[2]! && ix < 7 + pads[3]!)) counted++;
              }
            expected.push(kind === "max" ? Math.max(...window) : total(window) / counted);
          }
    return expected;
  };

  it.each([
    ["max", {}, [2, 4], false],
    ["average", {}, [2, 4], false],
    ["average", { countIncludePad: true }, [2, 4], true],
    ["max", { ceilMode: true }, [3, 4], false],
    ["average", { ceilMode: true, countIncludePad: true }, [3, 4], true],
  ] as const)("%s pool %o", (kind, attributes, out, include) => {
    const [kernel, strides, padding] = [
      [3, 2],
      [2, 2],
      [0, 1, 1, 0],
    ];
    const expected = naive(kind, kernel, strides, padding, [...out], include);
    for (const make of [f32, f64]) {
      const [y] = run(`${kind}_pool2d`, { kernel, strides, padding, ...attributes }, [make([2, 5, 7, 3], x)]);
      expect(y!.shape).toEqual([2, ...out, 3]);
      expectClose(list(y!.data), expected, { ulp: 2, absolute: 1e-7 });
    }
  });

  it("same padding", () => {
    expectClose(
      list(run("max_pool2d", { kernel: [2, 2], strides: [2, 2], autoPad: "same_upper" }, [f32([2, 5, 7, 3], x)])[0]!.data),
      naive("max", [2, 2], [2, 2], [0, 0, 1, 1], [3, 4], false),
    );
    expectClose(
      list(run("average_pool2d", { kernel: [2, 2], strides: [2, 2], autoPad: "same_lower" }, [f32([2, 5, 7, 3], x)])[0]!.data),
      naive("average", [2, 2], [2, 2], [1, 1, 0, 0], [3, 4], false),
      { ulp: 2, absolute: 1e-7 },
    );
  });

  it("refuses a window larger than the image", () => {
    expect(() => run("max_pool2d", { kernel: [9, 9] }, [f32([2, 5, 7, 3], x)])).toThrow(
      "a window of 9 does not fit into 5 and padding 0 + 0",
    );
  });
});
