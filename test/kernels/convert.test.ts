import { describe, expect, it } from "vitest";
import type { KernelExports } from "../../src/runtime/kernel-exports.d.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

/** The value of float16 bits. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + mantissa / 1024) : sign * 2 ** -24 * mantissa;
}

/** float16 bits of a value: the nearest of all finite halves by bisection, ties to the even bits. */
function nearestHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  let low = 0;
  let high = 0x7bff;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (halfValue(middle) <= magnitude) low = middle;
    else high = middle - 1;
  }
  const up = low + 1;
  const below = magnitude - halfValue(low);
  const above = (up === 0x7c00 ? 65536 : halfValue(up)) - magnitude;
  return sign | (above < below || (above === below && low & 1) ? up : low);
}

const LENGTHS = [1, 3, 5, 7, 8, 15, 16, 17, 33];
const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2.7,
  -2.7,
  127.9,
  128.2,
  255.9,
  256,
  300,
  -129,
  1e9,
  3e9,
  -3e9,
  1e20,
  Number.NaN,
  Infinity,
  -Infinity,
];
const INTEGERS = [0, 1, -1, 127, 128, -128, 255, 256, -129, 16777217, 2147483647, -2147483648];

describe.each(TIERS)("conversions, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);
  const cycle = (values: readonly number[], length: number) => Array.from({ length }, (_, i) => values[(i * 5 + length) % values.length]!);

  it("widens every float16", () => {
    bench.reset();
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const y = bench.alloc(4 * 65536);
    const x = bench.put(halves);
    bench.kernels.f16_to_f32(y, x, 0, 1001);
    bench.kernels.f16_to_f32(y, x, 1001, 65536);
    const result = bench.f32(y, 65536);
    expect(halves.every((bits) => Object.is(result[bits], halfValue(bits)))).toBe(true);
    bench.checkGuards();
  });

  it("narrows every float16, its neighbours and the ties between", () => {
    bench.reset();
    const values: number[] = [];
    for (let bits = 0; bits < 0x7c00; bits++) {
      const next = bits === 0x7bff ? 65536 : halfValue(bits + 1);
      const tie = (halfValue(bits) + next) / 2;
      for (const v of [halfValue(bits), tie, tie * (1 + 2 ** -23), tie * (1 - 2 ** -23)]) values.push(v, -v);
    }
    values.push(Number.NaN, Infinity, -Infinity, 1e38, -1e38, 1e-40, 2 ** -25, 2 ** -26);
    const floats = Float32Array.from(values);
    const y = bench.alloc(2 * floats.length);
    bench.kernels.f32_to_f16(y, bench.put(floats), 0, floats.length);
    const result = new Uint16Array(bench.memory.buffer, y, floats.length);
    const wrong = [...floats].filter((value, i) =>
      Number.isNaN(value) ? (result[i]! & 0x7fff) <= 0x7c00 : result[i] !== nearestHalf(value),
    );
    expect(wrong).toEqual([]);
    bench.checkGuards();
  });

  type CastCase = [name: keyof KernelExports, from: Elements, to: Elements, values: readonly number[], reference: (v: number) => number];
  type Elements = new (buffer: ArrayBufferLike, offset: number, length: number) => { [i: number]: number | bigint; length: number };
  const saturate32 = (v: number) => (Number.isNaN(v) ? 0 : Math.max(-2147483648, Math.min(2147483647, Math.trunc(v))));
  const CASTS: CastCase[] = [
    ["f32_from_i32", Int32Array, Float32Array, INTEGERS, Math.fround],
    ["i32_from_f32", Float32Array, Int32Array, FLOATS, saturate32],
    ["f32_from_u8", Uint8Array, Float32Array, [0, 1, 127, 128, 255], (v) => v],
    ["f32_from_i8", Int8Array, Float32Array, [0, 1, 127, -128, -1], (v) => v],
    ["u8_from_f32", Float32Array, Uint8Array, FLOATS, (v) => saturate32(v) & 255],
    ["bool_from_f32", Float32Array, Uint8Array, FLOATS, (v) => (v === 0 ? 0 : 1)],
    ["bool_from_i32", Int32Array, Uint8Array, INTEGERS, (v) => (v ? 1 : 0)],
    ["i32_from_u8", Uint8Array, Int32Array, [0, 1, 127, 128, 255], (v) => v],
    ["i32_from_i8", Int8Array, Int32Array, [0, 1, 127, -128, -1], (v) => v],
    ["x8_from_x32", Int32Array, Uint8Array, INTEGERS, (v) => v & 255],
    ["i64_from_i32", Int32Array, BigInt64Array, INTEGERS, (v) => v],
    ["x32_from_x64", BigInt64Array, Int32Array, [...INTEGERS, 4294967296 + 5], (v) => v | 0],
    ["f32_from_i64", BigInt64Array, Float32Array, [...INTEGERS, 2 ** 40 + 1], Math.fround],
    [
      "i64_from_f32",
      Float32Array,
      BigInt64Array,
      [0, -0.5, 2.7, -2.7, 3e9, -3e9, 2 ** 40, Number.NaN],
      (v) => (Number.isNaN(v) ? 0 : Math.trunc(v) + 0),
    ],
  ];
  const bytesOf = (type: unknown) => (type as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;

  it.each(CASTS)("%s", (name, From, To, values, reference) => {
    for (const length of LENGTHS) {
      bench.reset();
      const wide = (type: unknown, v: number) => (type === BigInt64Array ? BigInt(v) : v);
      const x = bench.alloc(length * bytesOf(From));
      const source = new From(bench.memory.buffer, x, length);
      cycle(values, length).forEach((v, i) => {
        source[i] = wide(From, v);
      });
      const y = bench.alloc(length * bytesOf(To));
      const kernel = bench.kernels[name] as (...args: number[]) => void;
      kernel(y, x, 0, length >> 1);
      kernel(y, x, length >> 1, length);
      const result = Array.from(new To(bench.memory.buffer, y, length) as ArrayLike<number | bigint>, Number);
      expect(result.map((v) => v + 0)).toEqual(Array.from(source as ArrayLike<number | bigint>, (v) => reference(Number(v)) + 0));
      bench.checkGuards();
    }
  });
});
