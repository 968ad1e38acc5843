import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toFloat16Bits } from "../../src/graph/float16.ts";
import type { DataType } from "../../src/graph/types.ts";
import { UNARY_NAMES } from "../../src/ops/unary-functions.ts";
import { expectClose, numbers } from "../support/close.ts";
import { BINARY, COMPARE, UNARY } from "../support/functions.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const f32 = (shape: readonly number[], data: readonly number[] | Float32Array): TestInput => ({
  dataType: "float32",
  shape,
  data: Float32Array.from(data),
});
const int64 = (shape: readonly number[], values: readonly number[]): TestInput => ({
  dataType: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const int32 = (shape: readonly number[], data: readonly number[]): TestInput => ({ dataType: "int32", shape, data });
const list = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);
const run = (op: string, attributes: object, inputs: (TestInput | null)[]) => runOp(op, attributes as never, inputs)[0]!;
const result = (op: string, attributes: object, inputs: (TestInput | null)[]) => list(run(op, attributes, inputs).data);

/** Names that the table of kernel functions spells otherwise. */
const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

describe("unary operators", () => {
  const attributes: { readonly [name: string]: object } = {
    clamp: { min: -1, max: 2 },
    leaky_relu: { alpha: 0.1 },
    thresholded_relu: { alpha: 0.5 },
    elu: { alpha: 1.5 },
    celu: { alpha: 1.5 },
    hard_sigmoid: { alpha: 0.3, beta: 0.4 },
    swish: { alpha: 1.5 },
    shrink: { bias: 0.25, lambda: 0.5 },
  };
  const parameters: { readonly [name: string]: readonly number[] } = {
    clamp: [-1, 2],
    leaky_relu: [0.1],
    thresholded_relu: [0.5],
    elu: [1.5, 1],
    celu: [1.5, 1 / 1.5],
    selu: [1.6732632423543772, 1.0507009873554805],
    hard_sigmoid: [0.3, 0.4],
    swish: [1.5],
  };
  const shrink = (x: number) => (x < -0.5 ? x + 0.25 : x > 0.5 ? x - 0.25 : 0);
  function reference(name: string): (x: number) => number {
    if (name === "shrink") return shrink;
    const [p, q] = parameters[name] ?? [];
    const f =
      UNARY[name === "celu" ? "elu" : camel(name)] ?? ((x: number) => (Math as unknown as Record<string, (x: number) => number>)[name]!(x));
    return (x) => f(x, p!, q!);
  }
  const positive = new Set(["log", "sqrt", "rsqrt", "acosh", "asin", "acos", "atanh"]);
  const within = (name: string, x: number) => (name === "acosh" ? 1 + Math.abs(x) : positive.has(name) ? Math.abs(x) / 4 : x);

  it.each(UNARY_NAMES)("%s in float32, float64 and float16", (name) => {
    const x = numbers(37).map((v) => within(name, v));
    const expected = Array.from(x, reference(name));
    expectClose(result(name, attributes[name] ?? {}, [f32([37], x)]), expected, { ulp: 8, absolute: 1e-6 });
    const wide: TestInput = { dataType: "float64", shape: [37], data: Float64Array.from(x) };
    for (const [i, y] of result(name, attributes[name] ?? {}, [wide]).entries())
      expect(Math.abs(y - expected[i]!)).toBeLessThan(1e-12 * Math.max(1, Math.abs(expected[i]!)));
    const half: TestInput = { dataType: "float16", shape: [2], data: Uint16Array.of(toFloat16Bits(0.5), toFloat16Bits(1)) };
    const [first] = result(name, attributes[name] ?? {}, [half]);
    expect(first).toBe(toFloat16Bits(Math.fround(reference(name)(0.5))));
  });

  it("integers stay integers, 64-bit ones exactly", () => {
    const big = 2n ** 60n + 1n;
    const x: TestInput = { dataType: "int64", shape: [3], data: BigInt64Array.of(-big, 0n, big) };
    expect([...run("abs", {}, [x]).data]).toEqual([big, 0n, big]);
    expect([...run("neg", {}, [x]).data]).toEqual([big, 0n, -big]);
    expect([...run("clamp", { min: 0 }, [x]).data]).toEqual([0n, 0n, big]);
    expect(result("sign", {}, [{ dataType: "int32", shape: [3], data: [-7, 0, 9] }])).toEqual([-1, 0, 1]);
  });

  it("quantized values are computed as real numbers", () => {
    const quant = { scale: [0.05], zeroPoint: [-10] };
    const x: TestInput = { dataType: "int8", shape: [256], data: Int8Array.from({ length: 256 }, (_, i) => i - 128), quant };
    const outQuant = { scale: [1 / 256], zeroPoint: [-128] };
    const [y] = runOp("sigmoid", {}, [x], { outputs: [{ quant: outQuant }] });
    const expected = Array.from(x.data as Int8Array, (q) => Math.min(127, Math.round(256 / (1 + Math.exp(-(q + 10) * 0.05))) - 128));
    expect(list(y!.data)).toEqual(expected);
  });

  it("powers of 64-bit integers", () => {
    const [base, exponent] = [int64([7], [3, -2, 0, 5, 1, -1, 3]), int64([7], [4, 3, -1, -1, -9, -9, 2 ** 40])];
    const powers = [81n, -8n, 2n ** 63n - 1n, 0n, 1n, -1n];
    expect([...run("pow", {}, [base, exponent]).data].slice(0, 6)).toEqual(powers);
  });

  it("predicates", () => {
    const x = f32([4], [1, NaN, Infinity, -Infinity]);
    expect(result("is_nan", {}, [x])).toEqual([0, 1, 0, 0]);
    expect(result("is_inf", {}, [x])).toEqual([0, 0, 1, 1]);
    expect(result("is_inf", { negative: false }, [x])).toEqual([0, 0, 1, 0]);
    expect(result("logical_not", {}, [{ dataType: "bool", shape: [2], data: [0, 1] }])).toEqual([1, 0]);
    expect(result("bitwise_not", {}, [{ dataType: "uint8", shape: [2], data: [0, 0xf0] }])).toEqual([255, 15]);
  });
});

/** Shapes that broadcast together: each operand drops or flattens some axes. */
const broadcast = fc
  .record({
    shape: fc.array(fc.constantFrom(1, 2, 3, 5, 8), { maxLength: 5 }),
    thin: fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 5, maxLength: 5 }),
    drop: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
  })
  .map(({ shape, thin, drop }) => {
    const side = (which: 0 | 1) => shape.map((dim, axis) => (thin[axis]![which] ? 1 : dim)).slice(Math.min(drop[which], shape.length));
    return { a: side(0), b: side(1) };
  });

/** Element of a broadcast operand at an output's coordinates. */
function elementAt(shape: readonly number[], out: readonly number[], i: number): number {
  let [at, stride] = [0, 1];
  for (let axis = 1; axis <= out.length; axis++) {
    const index = i % out.at(-axis)!;
    i = (i - index) / out.at(-axis)!;
    const dim = shape.at(-axis) ?? 1;
    if (axis <= shape.length && dim !== 1) at += index * stride;
    stride *= dim;
  }
  return at;
}

function broadcastResult<T>(a: readonly number[], b: readonly number[], x: ArrayLike<T>, y: ArrayLike<T>, f: (a: T, b: T) => number) {
  const rank = Math.max(a.length, b.length);
  const out = Array.from({ length: rank }, (_, i) => Math.max(a.at(i - rank) ?? 1, b.at(i - rank) ?? 1));
  return Array.from({ length: sizeOf(out) }, (_, i) => f(x[elementAt(a, out, i)]!, y[elementAt(b, out, i)]!));
}

const ARITHMETIC = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  max: "max",
  min: "min",
  squared_difference: "squaredDifference",
  prelu: "prelu",
};
const COMPARISONS = {
  equal: "equal",
  not_equal: "notEqual",
  less: "less",
  less_equal: "lessEqual",
  greater: "greater",
  greater_equal: "greaterEqual",
};

describe("binary operators", () => {
  it.each(Object.entries(ARITHMETIC))("%s broadcasts in float32 and float64", (name, reference) => {
    fc.assert(
      fc.property(broadcast, fc.boolean(), ({ a, b }, constant) => {
        const [x, y] = [numbers(sizeOf(a), 1), numbers(sizeOf(b), 2)];
        const expected = broadcastResult(a, b, x, y, BINARY[reference]!);
        expectClose(result(name, {}, [f32(a, x), { ...f32(b, y), constant }]), expected, { ulp: 2, absolute: 1e-6 });
        const wide = (shape: readonly number[], data: Float32Array): TestInput => ({
          dataType: "float64",
          shape,
          data: Float64Array.from(data),
        });
        expect(result(name, {}, [wide(a, x), wide(b, y)])).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it.each(Object.entries(COMPARISONS))("%s broadcasts in float32 and int64", (name, reference) => {
    fc.assert(
      fc.property(broadcast, ({ a, b }) => {
        const [x, y] = [numbers(sizeOf(a), 1).map(Math.round), numbers(sizeOf(b), 2).map(Math.round)];
        const expected = broadcastResult(a, b, x, y, (p, q) => Number(COMPARE[reference]!(p, q)));
        expect(result(name, {}, [f32(a, x), f32(b, y)])).toEqual(expected);
        expect(result(name, {}, [int64(a, [...x]), int64(b, [...y])])).toEqual(expected);
        expect(result(name, {}, [int32(a, [...x]), int32(b, [...y])])).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it.each(["add", "sub", "mul", "max", "min"])("%s of integers broadcasts", (name) => {
    fc.assert(
      fc.property(broadcast, ({ a, b }) => {
        const [x, y] = [numbers(sizeOf(a), 1).map(Math.round), numbers(sizeOf(b), 2).map(Math.round)];
        const expected = broadcastResult(a, b, x, y, BINARY[name]!).map((v) => v + 0);
        for (const make of [int32, int64]) expect(result(name, {}, [make(a, [...x]), make(b, [...y])])).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it("a short row that repeats many times", () => {
    const [x, y] = [numbers(2 * 40 * 3, 1), numbers(3, 2)];
    const expected = broadcastResult([2, 40, 3], [3], x, y, (p, q) => p - q);
    expectClose(result("sub", {}, [f32([2, 40, 3], x), f32([3], y)]), expected);
    expectClose(
      result("sub", {}, [f32([3], y), f32([2, 40, 3], x)]),
      expected.map((v) => -v),
    );
  });

  it("clamps, and applies an activation before", () => {
    const inputs = [f32([5], [-4, -1, 0, 1, 4]), f32([5], [0, 0, 0, 1, 1])];
    expect(result("add", { min: 0 }, inputs)).toEqual([0, 0, 0, 2, 5]);
    expect(result("add", { activation: "leaky_relu", alpha: 0.5, max: 4 }, inputs)).toEqual([-2, -0.5, 0, 2, 4]);
    expect(result("add", { activation: "sinh", max: 4 }, [f32([1], [0.5]), f32([1], [0.5])])).toEqual([Math.fround(Math.sinh(1))]);
    expect(
      result("sub", { min: -1, max: 1 }, [
        { dataType: "int32", shape: [3], data: [5, 0, -5] },
        { dataType: "int32", shape: [1], data: [1] },
      ]),
    ).toEqual([1, -1, -1]);
  });

  it.each([1, 2, 3, 0.5, -0.5, -1, 2.5, 0])("x to the power of %s", (exponent) => {
    const x = numbers(19).map(Math.abs);
    const expected = Array.from(x, (v) => v ** exponent);
    for (const constant of [true, false])
      expectClose(result("pow", {}, [f32([19], x), { ...f32([], [exponent]), constant }]), expected, { ulp: 2 });
    expectClose(
      result("pow", { max: 2 }, [f32([19], x), { ...f32([], [exponent]), constant: true }]),
      expected.map((v) => Math.min(v, 2)),
      { ulp: 2 },
    );
  });

  it("powers of mixed types", () => {
    expect(result("pow", {}, [f32([2], [3, 2]), int64([2], [2, 3])])).toEqual([9, 8]);
    expect(result("pow", {}, [int64([2], [3, -2]), int64([], [3])])).toEqual([27, -8]);
  });

  it("remainders by the divisor's sign and by the dividend's", () => {
    const [a, b] = [
      [-4, 7, 5, 4, -7, 8],
      [2, -3, 8, -2, 3, 5],
    ];
    const floored = [0, -2, 5, 0, 2, 3];
    const truncated = [0, 1, 5, 0, -1, 3];
    const zero = (values: readonly number[]) => values.map((v) => v + 0);
    for (const make of [int64, int32, f32]) {
      expect(zero(result("mod", {}, [make([6], a), make([6], b)]))).toEqual(floored);
      expect(zero(result("mod", { fmod: true }, [make([6], a), make([6], b)]))).toEqual(truncated);
      expect(zero(result("floor_div", {}, [make([6], a), make([6], b)]))).toEqual([-2, -3, 0, -2, -3, 1]);
    }
  });

  it("integer arithmetic truncates and wraps", () => {
    expect(result("div", {}, [int32([4], [-7, 7, 5, -(2 ** 31)]), int32([4], [2, -2, 0, -1])])).toEqual([-3, -3, 0, -(2 ** 31)]);
    expect(result("mul", {}, [int32([1], [2 ** 30]), int32([1], [6])])).toEqual([-(2 ** 31)]);
    expect(result("add", { min: 0 }, [int32([2], [-3, 3]), int32([1], [1])])).toEqual([0, 4]);
    expect(
      result("add", {}, [
        { dataType: "uint8", shape: [1], data: [250] },
        { dataType: "uint8", shape: [1], data: [10] },
      ]),
    ).toEqual([4]);
    expect(result("atan2", {}, [f32([1], [1]), f32([1], [-1])])).toEqual([Math.fround(Math.atan2(1, -1))]);
  });

  it("logic of truth values and of bits", () => {
    const bool = (...data: number[]): TestInput => ({ dataType: "bool", shape: [data.length], data });
    const byte = (...data: number[]): TestInput => ({ dataType: "uint8", shape: [data.length], data });
    const pairs = [bool(0, 0, 1, 1), bool(0, 1, 0, 1)];
    expect(result("logical_and", {}, pairs)).toEqual([0, 0, 0, 1]);
    expect(result("logical_or", {}, pairs)).toEqual([0, 1, 1, 1]);
    expect(result("logical_xor", {}, pairs)).toEqual([0, 1, 1, 0]);
    expect(result("bitwise_and", {}, [byte(12), byte(10)])).toEqual([8]);
    expect(result("bitwise_or", {}, [int64([1], [12]), int64([1], [10])])).toEqual([14]);
    expect(result("bitwise_xor", {}, [byte(12), byte(10)])).toEqual([6]);
    expect(result("bit_shift", { direction: "left" }, [byte(3, 1), byte(2, 8)])).toEqual([12, 0]);
    expect(
      result("bit_shift", { direction: "right" }, [
        { dataType: "uint64", shape: [2], data: BigUint64Array.of(16n, 1n) },
        { dataType: "uint64", shape: [2], data: BigUint64Array.of(2n, 64n) },
      ]),
    ).toEqual([4, 0]);
  });

  it("refuses data types that differ and shapes that do not broadcast", () => {
    expect(() => run("add", {}, [f32([2], [1, 2]), int64([2], [1, 2])])).toThrow(
      "both inputs must have one data type, got float32 and int64",
    );
    expect(() => run("add", {}, [f32([2], [1, 2]), f32([3], [1, 2, 3])])).toThrow("do not broadcast");
  });
});

describe("quantized arithmetic", () => {
  it.each<DataType>(["int8", "uint8"])("%s adds real numbers and rounds to the output's steps", (dataType) => {
    const of = (data: readonly number[], scale: number, zeroPoint: number): TestInput => ({
      dataType,
      shape: [data.length],
      data,
      quant: { scale: [scale], zeroPoint: [zeroPoint] },
    });
    const [y] = runOp("add", {}, [of([10, 100, 3], 0.5, 0), of([4, 100, 0], 0.25, 2)], {
      outputs: [{ quant: { scale: [0.5], zeroPoint: [1] } }],
    });
    // 5 + 0.5 = 5.5 → 11 + 1; 50 + 24.5 → 149 + 1, which int8 cannot hold; 1.5 − 0.5 = 1 → 2 + 1
    expect(list(y!.data)).toEqual([12, dataType === "int8" ? 127 : 150, 3]);
  });
});
