// Small tensors for tests of operators, and their results as numbers.
import type { DataType, TypedArray } from "../../src/graph/types.ts";
import { runOp, type TestInput } from "./run-op.ts";

/** Number of elements. */
export const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** An input with these elements. */
export const tensor = (dataType: DataType, shape: readonly number[], values: readonly number[], constant = false): TestInput => ({
  dataType,
  shape,
  data: dataType === "int64" ? BigInt64Array.from(values, BigInt) : values,
  constant,
});

/** An input whose elements go up and around. */
export const counting = (dataType: DataType, shape: readonly number[]) =>
  tensor(
    dataType,
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7) % 120),
  );

/** Elements as numbers. */
export const list = (data: TypedArray): number[] => Array.from(data as ArrayLike<number | bigint>, Number);

/** Runs an operator with `outputs` outputs. */
export const run = (op: string, attributes: object, inputs: (TestInput | null)[], outputs = 1) =>
  runOp(op, attributes as never, inputs, { outputs: Array.from({ length: outputs }, () => ({})) });
