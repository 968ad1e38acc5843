import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CopyAxis, type CopyCall, stridedCopy } from "../../src/ops/strided-copy.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

type Callable = (...args: number[]) => void;

/** Runs a call in two parts, so that every case also tests the split. */
function run(bench: KernelBench, call: CopyCall, y: number, x: number): void {
  const kernel = bench.kernels[call.kernel] as unknown as Callable;
  const table = call.table ? [bench.put(call.table), call.table.length / 3] : [];
  const middle = Math.floor(call.units * 0.4);
  kernel(y, x, ...table, ...call.args, 0, middle);
  kernel(y, x, ...table, ...call.args, middle, call.units);
}

/** Byte offsets of every element that the axes visit, in the destination and the source. */
function* walk(axes: readonly CopyAxis[], y = 0, x = 0): Generator<[number, number]> {
  const [axis, ...inner] = axes;
  if (!axis) yield [y, x];
  else for (let i = 0; i < axis.size; i++) yield* walk(inner, y + i * axis.yStride, x + i * axis.xStride);
}

function check(bench: KernelBench, elementBytes: number, axes: readonly CopyAxis[], xBase: number, xCount: number, yCount: number): void {
  bench.reset();
  const source = Uint8Array.from({ length: xCount * elementBytes }, (_, i) => (i * 31 + (i >> 8) * 7) & 255);
  const expected = new Uint8Array(yCount * elementBytes).fill(0xee);
  for (const [yAt, xAt] of walk(axes))
    expected.set(source.subarray((xBase + xAt) * elementBytes, (xBase + xAt + 1) * elementBytes), yAt * elementBytes);
  const x = bench.put(source);
  const y = bench.put(new Uint8Array(expected.length).fill(0xee));
  const call = stridedCopy(elementBytes, axes);
  if (call) run(bench, call, y, x + xBase * elementBytes);
  expect(Buffer.compare(bench.u8(y, expected.length), expected)).toBe(0);
  bench.checkGuards();
}

/** A dense destination over a permuted, stepped, reversed or broadcast source. */
const layouts = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 9 }), gap: fc.integer({ min: 1, max: 2 }), kind: fc.integer({ min: 0, max: 9 }) }), {
    maxLength: 5,
  })
  .chain((dims) => fc.record({ dims: fc.constant(dims), order: fc.shuffledSubarray([...dims.keys()], { minLength: dims.length }) }));

function axesOf({ dims, order }: { dims: { size: number; gap: number; kind: number }[]; order: number[] }) {
  const xStrides: number[] = [];
  let xCount = 1;
  for (let d = dims.length - 1; d >= 0; d--) {
    xStrides[d] = xCount * dims[d]!.gap;
    xCount *= dims[d]!.size * dims[d]!.gap;
  }
  let base = 0;
  let yStride = 1;
  const axes: CopyAxis[] = [];
  for (const d of [...order].reverse()) {
    const { size, kind } = dims[d]!;
    const step = kind === 0 ? 0 : kind === 1 ? -xStrides[d]! : xStrides[d]!;
    if (step < 0) base += (size - 1) * xStrides[d]!;
    axes.unshift({ size, yStride, xStride: step });
    yStride *= size;
  }
  return { axes, base, xCount, yCount: yStride };
}

describe.each(TIERS)("strided copies, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);

  it.each([1, 2, 4, 8])("copies any layout of %i-byte elements", (elementBytes) => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { axes, base, xCount, yCount } = axesOf(layout);
        check(bench, elementBytes, axes, base, xCount, yCount);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [1, 1],
    [3, 5],
    [7, 33],
    [8, 8],
    [15, 17],
    [16, 64],
    [31, 3],
    [33, 31],
    [64, 3],
    [3, 64],
    [2, 65],
    [100, 37],
  ])("transposes planes of %i x %i", (rows, cols) => {
    const axes = [
      { size: 2, yStride: rows * cols, xStride: rows * cols },
      { size: rows, yStride: cols, xStride: 1 },
      { size: cols, yStride: 1, xStride: rows },
    ];
    for (const elementBytes of [1, 2, 4, 8]) check(bench, elementBytes, axes, 0, 2 * rows * cols, 2 * rows * cols);
  });

  it.each([1, 2, 3, 5, 7, 9, 15, 16, 17, 31, 33, 63, 511, 512, 600])("copies rows of %i bytes into a wider tensor", (bytes) => {
    check(
      bench,
      1,
      [
        { size: 5, yStride: bytes + 3, xStride: bytes },
        { size: bytes, yStride: 1, xStride: 1 },
      ],
      0,
      5 * bytes,
      5 * (bytes + 3),
    );
  });

  it.each([1, 3, 4, 8, 15, 16, 33, 600])("copies rows of %i bytes", (rowBytes) => {
    bench.reset();
    const [rows, yStride, xStride] = [9, rowBytes + 5, rowBytes + 2];
    const source = Uint8Array.from({ length: rows * xStride }, (_, i) => (i * 31 + (i >> 8) * 7) & 255);
    const expected = new Uint8Array(rows * yStride).fill(0xee);
    for (let row = 0; row < rows; row++) expected.set(source.subarray(row * xStride, row * xStride + rowBytes), row * yStride);
    const y = bench.put(new Uint8Array(expected.length).fill(0xee));
    run(bench, { kernel: "x8_copy_rows", table: null, args: [rowBytes, yStride, xStride], units: rows }, y, bench.put(source));
    expect(Buffer.compare(bench.u8(y, expected.length), expected)).toBe(0);
    bench.checkGuards();
  });
});

describe("the choice of a call", () => {
  const call = (elementBytes: number, ...axes: [number, number, number][]) =>
    stridedCopy(
      elementBytes,
      axes.map(([size, yStride, xStride]) => ({ size, yStride, xStride })),
    );

  it("copies a dense tensor as one row", () => {
    expect(call(4, [2, 12, 12], [3, 4, 4], [4, 1, 1])).toMatchObject({ kernel: "x8_copy_rows", table: null, args: [96, 0, 0], units: 1 });
  });
  it("transposes NCHW to NHWC as planes", () => {
    expect(call(4, [2, 60, 60], [4, 15, 5], [5, 3, 1], [3, 1, 20])).toMatchObject({
      kernel: "x32_transpose",
      args: [20, 3, 12, 80],
      units: 40,
    });
  });
  it("moves four int8 channels as one element", () => {
    expect(call(1, [5, 28, 4], [7, 4, 20], [4, 1, 1])).toMatchObject({ kernel: "x32_transpose", units: 5 });
  });
  it("does nothing for an empty tensor", () => {
    expect(call(4, [0, 1, 1])).toBeNull();
  });
});
