// Complex tensors of the format: RFFT2D and what follows it, run, beside a naive transform.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importTflite } from "../../src/convert/tflite/index.ts";
import { BUILTIN_OPERATORS } from "../../src/convert/tflite/schema.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { random } from "../support/quantized.ts";
import { modelOf } from "../support/run-op.ts";
import { type OperatorSpec, type TensorSpec, writeTflite } from "../support/tflite.ts";

const operator = (name: string, inputs: number[], outputs: number[]): OperatorSpec => ({
  op: BUILTIN_OPERATORS.indexOf(name),
  inputs,
  outputs,
});
const i32 = (name: string, ...values: number[]): TensorSpec => ({
  name,
  type: "int32",
  shape: [values.length],
  data: Int32Array.from(values),
});

/** Real and imaginary parts of each transform of x[planes, rows, columns], cut or filled with zeros to height × width. */
function transform(x: Float32Array, [planes, rows, columns]: readonly number[], height: number, width: number): [number, number][] {
  const parts: [number, number][] = [];
  for (let plane = 0; plane < planes!; plane++)
    for (let u = 0; u < height; u++)
      for (let v = 0; v <= width / 2; v++) {
        let [real, imaginary] = [0, 0];
        for (let i = 0; i < Math.min(rows!, height); i++)
          for (let j = 0; j < Math.min(columns!, width); j++) {
            const angle = -2 * Math.PI * ((i * u) / height + (j * v) / width);
            const value = x[(plane * rows! + i) * columns! + j]!;
            real += value * Math.cos(angle);
            imaginary += value * Math.sin(angle);
          }
        parts.push([real, imaginary]);
      }
  return parts;
}

describe("RFFT2D", () => {
  test("is the transform of rows and columns, through RESHAPE to its magnitude and its parts", () => {
    const sizes = fc.record({
      planes: fc.integer({ min: 1, max: 3 }),
      rows: fc.integer({ min: 1, max: 4 }),
      columns: fc.integer({ min: 1, max: 20 }),
      height: fc.constantFrom(1, 1, 2, 3, 4),
      width: fc.constantFrom(1, 2, 8, 15, 16),
      seed: fc.integer(),
    });
    const property = fc.property(sizes, ({ planes, rows, columns, height, width, seed }) => {
      const bins = Math.floor(width / 2) + 1;
      const count = planes * height * bins;
      const tensors: TensorSpec[] = [
        { name: "x", shape: [planes, rows, columns] },
        i32("lengths", height, width),
        { name: "spectrum", type: "complex64", shape: [planes, height, bins] },
        i32("shape", count),
        { name: "flat", type: "complex64", shape: [count] },
        ...["magnitude", "real", "imaginary"].map((name) => ({ name, shape: [count] })),
      ];
      const operators = [
        operator("RFFT2D", [0, 1], [2]),
        operator("RESHAPE", [2, 3], [4]),
        ...["COMPLEX_ABS", "REAL", "IMAG"].map((name, i) => operator(name, [4], [5 + i])),
      ];
      const model = modelOf(importTflite(writeTflite({ tensors, operators, inputs: [0], outputs: [5, 6, 7] })));
      const next = random(seed);
      const x = Float32Array.from({ length: planes * rows * columns }, () => next() - 0.5);
      const { magnitude, real, imaginary } = model.runSync({ x: new Tensor("float32", [planes, rows, columns], x) });
      const expected = transform(x, [planes, rows, columns], height, width);
      for (const [i, [re, im]] of expected.entries()) {
        expect(Math.abs((real!.data[i] as number) - re)).toBeLessThan(1e-5);
        expect(Math.abs((imaginary!.data[i] as number) - im)).toBeLessThan(1e-5);
        expect(Math.abs((magnitude!.data[i] as number) - Math.hypot(re, im))).toBeLessThan(1e-5);
      }
    });
    fc.assert(property, { numRuns: 60 });
  });

  test("a spectrum cannot leave the model, enter it, or meet operators on real numbers", () => {
    const x: TensorSpec = { name: "x", shape: [1, 8] };
    const spectrum: TensorSpec = { name: "spectrum", type: "complex64", shape: [1, 5] };
    const other: TensorSpec = { ...spectrum, name: "other" };
    const tensors = [x, i32("lengths", 1, 8), spectrum, other, { name: "y", shape: [1, 5] }];
    const importing = (operators: OperatorSpec[], inputs: number[], outputs: number[]) => () =>
      importTflite(writeTflite({ tensors, operators, inputs, outputs }));
    const made = operator("RFFT2D", [0, 1], [2]);
    expect(importing([made], [0], [2])).toThrow(/the output: tensor "spectrum" has data type complex64/);
    expect(importing([operator("COMPLEX_ABS", [2], [4])], [2], [4])).toThrow(/the input: tensor "spectrum" has data type complex64/);
    expect(importing([made, operator("ADD", [2, 2], [3]), operator("COMPLEX_ABS", [3], [4])], [0], [4])).toThrow(
      /\(ADD, version 1\): tensor "spectrum" has data type complex64/,
    );
    expect(importing([operator("COMPLEX_ABS", [0], [4])], [0], [4])).toThrow(
      /expected a complex tensor that RFFT2D makes, found tensor "x"/,
    );
  });
});
