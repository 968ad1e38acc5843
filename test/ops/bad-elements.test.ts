// Elements that only a run tells, and that no operator can take.
import { expect, it } from "vitest";
import { run, tensor } from "../support/tensors.ts";

const x = tensor("float32", [4, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
const int64 = (values: readonly number[]) => tensor("int64", [values.length], values);

it.each<[string, string, object, ReturnType<typeof tensor>[], string, RegExp]>([
  ["lengths past the axis", "reverse_sequence", {}, [x, int64([4, 5, 2])], "input", /a sequence of 5 in an axis of 4/],
  ["negative lengths", "reverse_sequence", {}, [x, int64([4, -1, 2])], "input", /a sequence of -1 in an axis of 4/],
  ["a negative size", "fill", {}, [int64([-1, 2])], "shape", /output 0 has a dimension of -1/],
  ["a size beyond all memory", "fill", {}, [int64([2 ** 31, 2 ** 31])], "memory", /output 0 has \d+ elements/],
  ["a reshape to other sizes", "reshape", {}, [x, int64([7, 3])], "shape", /12 elements cannot take the shape \[7,3\]/],
  ["repeats below zero", "tile", {}, [x, int64([-1, 2])], "shape", /output 0 has a dimension of -4/],
  ["a step of 0", "slice", {}, [x, int64([0]), int64([1]), int64([0]), int64([0])], "shape", /a step of 0/],
  ["an axis that is not there", "cumsum", {}, [x, tensor("int64", [], [9])], "shape", /axis 9 is not one of the 2 axes/],
])("%s: %s", (_, op, attributes, inputs, code, message) => {
  const refused = expect.objectContaining({ code, message: expect.stringMatching(message) });
  expect(() => run(op, attributes, inputs)).toThrow(refused);
});
