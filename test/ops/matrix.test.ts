import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Attributes } from "../../src/graph/types.ts";
import { expectClose, randomFloats } from "../support/f32-matrix.ts";
import { TIERS } from "../support/kernels.ts";
import { type Conv, convolutions, naiveConv, outSize } from "../support/naive-conv.ts";
import { graphOf, modelOf, runOp, type TestInput } from "../support/run-op.ts";

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const floats = (shape: readonly number[], seed: number, constant = false): TestInput => ({
  dataType: "float32",
  shape,
  data: randomFloats(sizeOf(shape), seed),
  constant,
});
/** The same numbers in a type that no kernel takes, so that TypeScript computes. */
const asDouble = (input: TestInput | null): TestInput | null =>
  input && { ...input, dataType: "float64", data: Float64Array.from(input.data as Float32Array) };

const paddingOf = (conv: Conv): number[] => {
  const end = (out: number, size: number, kernel: number, stride: number, dilation: number, before: number) =>
    Math.max((out - 1) * stride + dilation * (kernel - 1) + 1 - size - before, 0);
  return [
    conv.padTop,
    conv.padLeft,
    end(conv.outHeight, conv.inHeight, conv.kernelHeight, conv.strideHeight, conv.dilationHeight, conv.padTop),
    end(conv.outWidth, conv.inWidth, conv.kernelWidth, conv.strideWidth, conv.dilationWidth, conv.padLeft),
  ];
};

const attributesOf = (conv: Conv): Attributes => ({
  strides: [conv.strideHeight, conv.strideWidth],
  dilations: [conv.dilationHeight, conv.dilationWidth],
  padding: paddingOf(conv),
  groups: conv.groups,
});

/** Convolutions that reach every arm of the kernel choice. */
const anyConv = fc.oneof(
  convolutions({}),
  convolutions({
    kernelHeight: 1,
    kernelWidth: 1,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    padTop: 0,
    padLeft: 0,
    groups: 1,
    inChannels: 5,
    outChannels: 9,
  }),
  convolutions({
    kernelHeight: 3,
    kernelWidth: 3,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    groups: 1,
    inChannels: 16,
    outChannels: 17,
  }),
  convolutions({ groups: 7, inChannels: 7, outChannels: 7 }),
  convolutions({
    kernelHeight: 3,
    kernelWidth: 3,
    strideHeight: 2,
    strideWidth: 2,
    dilationHeight: 1,
    dilationWidth: 1,
    groups: 7,
    inChannels: 7,
    outChannels: 7,
  }),
);

describe.each(TIERS)("conv2d, %s", (tier) => {
  test("agrees with the naive convolution, with constant weights and with computed ones", () => {
    const property = fc.property(anyConv, fc.boolean(), fc.boolean(), fc.boolean(), (conv, constant, withBias, withResidual) => {
      const x = floats([conv.batch, conv.inHeight, conv.inWidth, conv.inChannels], 1);
      const weight = floats([conv.outChannels, conv.kernelHeight, conv.kernelWidth, conv.inChannels / conv.groups], 2, constant);
      const bias = withBias ? floats([conv.outChannels], 3, constant) : null;
      const shape = [conv.batch, conv.outHeight, conv.outWidth, conv.outChannels];
      const residual = withResidual ? floats(shape, 4) : null;
      const [y] = runOp("conv2d", { ...attributesOf(conv), min: -2 }, [x, weight, bias, residual], { tier });
      expect(y!.shape).toEqual(shape);
      const sums = naiveConv(x.data as Float32Array, weight.data as Float32Array, bias?.data as Float32Array | undefined, conv);
      expectClose(
        y!.data as Float32Array,
        sums.map((sum, i) => Math.max(sum + (residual ? (residual.data[i] as number) : 0), -2)),
      );
    });
    fc.assert(property, { numRuns: 80 });
  });

  test("pads by a scheme, and applies an activation before the clamp", () => {
    const x = floats([1, 6, 7, 3], 1);
    const weight = floats([4, 3, 3, 3], 2, true);
    for (const [autoPad, before] of [
      ["same_upper", [0, 1]],
      ["same_lower", [1, 1]],
    ] as const) {
      const conv: Conv = {
        ...{ batch: 1, inHeight: 6, inWidth: 7, inChannels: 3, outChannels: 4, groups: 1, kernelHeight: 3, kernelWidth: 3 },
        ...{
          strideHeight: 2,
          strideWidth: 2,
          dilationHeight: 1,
          dilationWidth: 1,
          padTop: before[0],
          padLeft: before[1],
          outHeight: 3,
          outWidth: 4,
        },
      };
      const [y] = runOp("conv2d", { strides: [2, 2], autoPad, activation: "leaky_relu", alpha: 0.5, max: 0.25 }, [x, weight, null], {
        tier,
      });
      const sums = naiveConv(x.data as Float32Array, weight.data as Float32Array, undefined, conv);
      expectClose(
        y!.data as Float32Array,
        sums.map((sum) => Math.min(sum < 0 ? 0.5 * sum : sum, 0.25)),
      );
    }
  });

  test.each([
    [20, 1, 5, 1, 1, 1],
    [21, 1, 4, 1, 3, 1],
    [9, 2, 3, 2, 2, 1],
    [1, 30, 1, 7, 1, 4],
    [1, 12, 1, 3, 1, 2],
  ])("reads the windows of %i×%i by %i×%i where they lie", (inHeight, inWidth, kernelHeight, kernelWidth, strideHeight, strideWidth) => {
    for (const batch of [1, 2]) {
      const [outHeight, outWidth] = [outSize(inHeight, kernelHeight, strideHeight, 1, 0), outSize(inWidth, kernelWidth, strideWidth, 1, 0)];
      const conv: Conv = {
        ...{ batch, inHeight, inWidth, inChannels: 3, outChannels: 9, groups: 1, kernelHeight, kernelWidth, strideHeight, strideWidth },
        ...{ dilationHeight: 1, dilationWidth: 1, padTop: 0, padLeft: 0, outHeight, outWidth },
      };
      const x = floats([batch, inHeight, inWidth, 3], 1);
      const weight = floats([9, kernelHeight, kernelWidth, 3], 2, true);
      const [y] = runOp("conv2d", attributesOf(conv), [x, weight], { tier });
      expectClose(y!.data as Float32Array, naiveConv(x.data as Float32Array, weight.data as Float32Array, undefined, conv));
    }
  });

  test("takes less memory when asked to", () => {
    const x = floats([1, 16, 16, 16], 1);
    const weight = floats([16, 3, 3, 16], 2, true);
    const run = (memory: "fast" | "small") =>
      runOp("conv2d", { padding: [1, 1, 1, 1] }, [x, weight], { tier, memory })[0]!.data as Float32Array;
    expectClose(run("small"), run("fast"), 1e-4);
  });
});

describe("conv2d in TypeScript", () => {
  test("agrees with the naive convolution", () => {
    fc.assert(
      fc.property(convolutions({}), (conv) => {
        const x = floats([conv.batch, conv.inHeight, conv.inWidth, conv.inChannels], 1);
        const weight = floats([conv.outChannels, conv.kernelHeight, conv.kernelWidth, conv.inChannels / conv.groups], 2);
        const [y] = runOp("conv2d", attributesOf(conv), [x, weight].map(asDouble));
        expectClose(y!.data as Float64Array, naiveConv(x.data as Float32Array, weight.data as Float32Array, undefined, conv), 1e-12);
      }),
      { numRuns: 30 },
    );
  });

  test("says what does not fit", () => {
    expect(() => runOp("conv2d", {}, [floats([1, 4, 4, 3], 1), floats([8, 3, 3, 4], 2)])).toThrow(
      "input channels 3 must equal weight channels 4 × groups 1",
    );
    expect(() => runOp("conv2d", {}, [floats([1, 2, 2, 3], 1), floats([8, 3, 3, 3], 2)])).toThrow("larger than the padded input");
    expect(() => runOp("matmul", {}, [floats([2, 3], 1), floats([4, 5], 2)])).toThrow(
      "3 columns of the first operand meet 4 rows of the second",
    );
  });
});

describe.each(TIERS)("conv_transpose2d, %s", (tier) => {
  const axis = fc.record({
    size: fc.integer({ min: 1, max: 5 }),
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 3 }),
    crop: fc.nat(1),
    more: fc.nat(1),
  });
  test("by kernels agrees with TypeScript", () => {
    const property = fc.property(
      axis,
      axis,
      fc.constantFrom(1, 2),
      fc.constantFrom(1, 3, 8),
      fc.constantFrom(1, 5, 8),
      (h, w, groups, inGroup, outGroup) => {
        const inputs = [
          floats([2, h.size, w.size, inGroup * groups], 1),
          floats([outGroup * groups, h.kernel, w.kernel, inGroup], 2, true),
          floats([outGroup * groups], 3, true),
        ];
        const attributes = {
          strides: [h.stride, w.stride],
          padding: [h.crop, w.crop, h.crop, w.crop],
          outputPadding: [h.more, w.more],
          groups,
          max: 1,
        };
        fc.pre(
          outSize(h.size, 1, 1, 1, 0) > 0 &&
            (h.size - 1) * h.stride + h.kernel - 2 * h.crop + h.more > 0 &&
            (w.size - 1) * w.stride + w.kernel - 2 * w.crop + w.more > 0,
        );
        const [y] = runOp("conv_transpose2d", attributes, inputs, { tier });
        const [expected] = runOp("conv_transpose2d", attributes, inputs.map(asDouble));
        expect(y!.shape).toEqual(expected!.shape);
        expectClose(y!.data as Float32Array, expected!.data as Float64Array);
      },
    );
    fc.assert(property, { numRuns: 50 });
  });
});

describe.each(TIERS)("matmul, %s", (tier) => {
  const batches = fc.constantFrom<[number[], number[]]>(
    [[], []],
    [[2], []],
    [[], [3]],
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 1],
      [1, 3],
    ],
    [[2, 3], [3]],
    [
      [2, 1, 2],
      [1, 3, 1],
    ],
  );
  const size = fc.constantFrom(1, 2, 5, 8, 17);
  test("by kernels agrees with TypeScript, whatever is constant, transposed or broadcast", () => {
    const property = fc.property(
      batches,
      size,
      size,
      size,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      ([aBatch, bBatch], m, n, k, transposeA, transposeB, constant, fused) => {
        const inputs: (TestInput | null)[] = [
          floats([...aBatch, ...(transposeA ? [k, m] : [m, k])], 1),
          floats([...bBatch, ...(transposeB ? [n, k] : [k, n])], 2, constant),
        ];
        const attributes = { transposeA, transposeB, alpha: 0.5, ...(fused && { max: 1 }) };
        if (fused) {
          const { shape } = runOp("matmul", attributes, inputs.map(asDouble))[0]!;
          inputs.push(floats([n], 3, constant), floats(shape, 4));
        }
        const [y] = runOp("matmul", attributes, inputs, { tier });
        const [expected] = runOp("matmul", attributes, inputs.map(asDouble));
        expect(y!.shape).toEqual(expected!.shape);
        expectClose(y!.data as Float32Array, expected!.data as Float64Array);
      },
    );
    fc.assert(property, { numRuns: 80 });
  });

  test("takes vectors as rows and columns", () => {
    const [a, b] = [floats([5], 1), floats([3, 5, 4], 2)];
    const [y] = runOp("matmul", {}, [a, b], { tier });
    expect(y!.shape).toEqual([3, 4]);
    expectClose(y!.data as Float32Array, runOp("matmul", {}, [a, b].map(asDouble))[0]!.data as Float64Array);
    expect(runOp("matmul", {}, [b, floats([4], 3)], { tier })[0]!.shape).toEqual([3, 5]);
  });
});

test.each(TIERS)("a small picture of many channels goes by Winograd's smaller tiles, %s", (tier) => {
  const inputs = [floats([1, 6, 6, 256], 1), floats([256, 3, 3, 256], 2, true)];
  const attributes = { padding: [1, 1, 1, 1] };
  const model = modelOf(graphOf("conv2d", attributes, inputs), tier);
  expect(model.plan().steps.map(({ kernel }) => kernel)).toEqual(["f32_winograd_2x2"]);
  const [expected] = runOp("conv2d", attributes, inputs, { tier, memory: "small" });
  expectClose(runOp("conv2d", attributes, inputs, { tier })[0]!.data as Float32Array, expected!.data as Float32Array, 1e-5);
});
