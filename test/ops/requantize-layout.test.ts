// Layout operators between tensors that are quantized otherwise.
import { describe, expect, it } from "vitest";
import type { Quantization } from "../../src/graph/types.ts";
import { requantize } from "../support/quantized.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const FROM: Quantization = { scale: [0.05], zeroPoint: [3] };
const TO: Quantization = { scale: [0.02], zeroPoint: [-20] };
const bytes = (shape: readonly number[], quant = FROM): TestInput => {
  const length = shape.reduce((a, b) => a * b, 1);
  return { dataType: "int8", shape, data: Int8Array.from({ length }, (_, i) => i * 37), quant };
};
const into = (x: TestInput): number[] =>
  Array.from(x.data as Int8Array, (v) => requantize(v - FROM.zeroPoint[0]!, FROM.scale[0]! / TO.scale[0]!, TO.zeroPoint[0]!));
const run = (op: string, attributes: object, inputs: TestInput[]) =>
  Array.from(runOp(op, attributes as never, inputs, { outputs: [{ quant: TO }] })[0]!.data as Int8Array);

describe("a change of quantization", () => {
  it("is made where the output would be a view", () => {
    const x = bytes([3, 5, 7]);
    expect(run("reshape", { shape: [15, 7] }, [x])).toEqual(into(x));
    expect(run("slice", { starts: [1], ends: [2], axes: [0] }, [x])).toEqual(into(x).slice(35, 70));
  });

  it("is made on the way by transpose and gather", () => {
    const x = bytes([5, 3]);
    const values = into(x);
    expect(run("transpose", { perm: [1, 0] }, [x])).toEqual([0, 1, 2].flatMap((c) => [0, 1, 2, 3, 4].map((r) => values[r * 3 + c]!)));
    expect(run("gather", { axis: 0 }, [x, { dataType: "int32", shape: [2], data: [4, 0] }])).toEqual([
      ...values.slice(12),
      ...values.slice(0, 3),
    ]);
  });

  it.each([0, 1, 2])("is made by concat for the inputs that need it, axis %i", (axis) => {
    const [x, same] = [bytes([2, 3, 4]), bytes([2, 3, 4], TO)];
    const values = [into(x), Array.from(same.data as Int8Array)];
    const outer = [1, 2, 6][axis]!;
    const run24 = 24 / outer;
    const expected = Array.from({ length: outer }, (_, o) => values.flatMap((list) => list.slice(o * run24, (o + 1) * run24))).flat();
    expect(run("concat", { axis }, [x, same])).toEqual(expected);
  });

  it("reaches the border of a pad", () => {
    const x = bytes([1, 2]);
    expect(run("pad", { pads: [0, 1, 0, 1], value: 0.5 }, [x])).toEqual([5, ...into(x), 5]);
  });
});
