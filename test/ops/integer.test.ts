// ONNX's own quantization operators, against sums and steps in float64.
import { describe, expect, it } from "vitest";
import { random, randomInt8, roundHalfEven } from "../support/quantized.ts";
import { runOp, type TestInput } from "../support/run-op.ts";
import { list, sizeOf, tensor } from "../support/tensors.ts";

const next = random(11);
const bytes = (dataType: "int8" | "uint8", shape: readonly number[], constant = false): TestInput => {
  const shift = dataType === "uint8" ? 128 : 0;
  return tensor(
    dataType,
    shape,
    Array.from(randomInt8(next, sizeOf(shape)), (step) => step + shift),
    constant,
  );
};
const floats = (shape: readonly number[], scale: number) =>
  tensor(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => Math.fround((next() - 0.4) * scale)),
  );
const at = (x: TestInput, i: number): number => Number(x.data[i]);
const result = (op: string, attributes: object, inputs: (TestInput | null)[]) => list(runOp(op, attributes as never, inputs)[0]!.data);
const clamp = (x: number, [least, most]: readonly [number, number]) => Math.min(Math.max(x, least), most);

describe("quantize_linear and dequantize_linear", () => {
  const limits = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535] } as const;
  const x = floats([3, 4, 5], 40);

  it.each(["int8", "uint8", "int16", "uint16"] as const)("%s with a scale for each index of an axis", (dataType) => {
    const scale = tensor("float32", [4], [0.5, 0.25, 0.125, 1]);
    const zero = tensor(dataType, [4], [3, 0, 7, 100]);
    const channel = (i: number) => Math.floor(i / 5) % 4;
    const steps = result("quantize_linear", { axis: 1 }, [x, scale, zero]);
    const expected = steps.map((_, i) => roundHalfEven(at(x, i) / at(scale, channel(i))) + at(zero, channel(i)));
    expect(steps).toEqual(expected.map((step) => clamp(step, limits[dataType])));
    const reals = result("dequantize_linear", { axis: 1 }, [tensor(dataType, x.shape, steps), scale, zero]);
    expect(reals).toEqual(steps.map((step, i) => (step - at(zero, channel(i))) * at(scale, channel(i))));
  });

  it("blocks along an axis have scales of their own, the last one being shorter", () => {
    const scale = tensor(
      "float32",
      [3, 4, 3],
      Array.from({ length: 36 }, (_, i) => 2 ** ((i % 5) - 3)),
    );
    const steps = result("quantize_linear", { axis: 2, blockSize: 2, dataType: "int8" }, [x, scale, null]);
    const scaleAt = (i: number) => at(scale, Math.floor(i / 5) * 3 + Math.floor((i % 5) / 2));
    expect(steps).toEqual(steps.map((_, i) => clamp(roundHalfEven(at(x, i) / scaleAt(i)), limits.int8)));
  });

  it("refuses what no step can be", () => {
    expect(() => result("quantize_linear", { dataType: "float32" }, [x, tensor("float32", [], [1]), null])).toThrow(
      "quantizing to float32",
    );
  });
});

describe("dynamic_quantize", () => {
  it.each([1, 5, 33])("steps of %i numbers over their own range", (length) => {
    const x = floats([length], 6);
    const values = Array.from(x.data, Number);
    const [y, scale, zero] = runOp("dynamic_quantize", {}, [x], { outputs: [{}, {}, {}] });
    const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
    expect(list(scale!.data)[0]).toBeCloseTo((most - least) / 255, 7);
    const step = list(scale!.data)[0]!;
    expect(Math.abs(list(zero!.data)[0]! + least / step)).toBeLessThan(0.51);
    for (const [i, q] of list(y!.data).entries())
      expect(Math.abs((q - list(zero!.data)[0]!) * step - values[i]!)).toBeLessThan(step * 1.01);
  });

  it("zeros alone have a scale of 1", () => {
    const outputs = runOp("dynamic_quantize", {}, [tensor("float32", [2], [0, 0])], { outputs: [{}, {}, {}] });
    expect(outputs.map(({ data }) => list(data))).toEqual([[0, 0], [1], [0]]);
  });
});

describe.each([true, false])("sums of integers (constant weights: %s)", (constant) => {
  it.each([
    ["int8", "int8"],
    ["uint8", "int8"],
    ["uint8", "uint8"],
  ] as const)("matmul_integer, %s · %s", (left, right) => {
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 17, 5],
      [5, 33, 7],
    ] as const) {
      const [a, b] = [bytes(left, [m, k]), bytes(right, [k, n], constant)];
      const [aZero, bZero] = [left === "uint8" ? 121 : -3, right === "uint8" ? 130 : 5];
      const expected = Array.from({ length: m * n }, (_, i) => {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += (at(a, Math.floor(i / n) * k + p) - aZero) * (at(b, p * n + (i % n)) - bZero);
        return sum;
      });
      expect(result("matmul_integer", {}, [a, b, tensor(left, [], [aZero], true), tensor(right, [], [bZero], true)])).toEqual(expected);
    }
  });

  it("conv_integer with a zero point that padding stands for", () => {
    const [x, w] = [bytes("uint8", [1, 5, 4, 3]), bytes("int8", [2, 3, 3, 3], constant)];
    const zero = 117;
    const sumAt = (row: number, col: number, out: number) => {
      let sum = 0;
      for (let ky = 0; ky < 3; ky++)
        for (let kx = 0; kx < 3; kx++) {
          const [iy, ix] = [row + ky - 1, col + kx - 1];
          if (iy < 0 || iy >= 5 || ix < 0 || ix >= 4) continue;
          for (let c = 0; c < 3; c++) sum += (at(x, (iy * 4 + ix) * 3 + c) - zero) * at(w, ((out * 3 + ky) * 3 + kx) * 3 + c);
        }
      return sum;
    };
    const expected = Array.from({ length: 40 }, (_, i) => sumAt(Math.floor(i / 8), (i >> 1) % 4, i % 2));
    const y = result("conv_integer", { padding: [1, 1, 1, 1] }, [x, w, tensor("uint8", [], [zero], true), null]);
    expect(y).toEqual(expected);
  });
});

describe("recenter", () => {
  it("shifts steps by 128 either way", () => {
    const x = bytes("uint8", [37]);
    const y = result("recenter", { dataType: "int8" }, [x]);
    expect(y).toEqual(Array.from(x.data as number[], (step) => Number(step) - 128));
    expect(result("recenter", { dataType: "uint8" }, [tensor("int8", [37], y)])).toEqual(Array.from(x.data, Number));
  });
});
