import { describe, expect, it } from "vitest";
import { LanewiseError, Tensor } from "../../src/index.ts";

describe("a tensor", () => {
  const message = (make: () => Tensor): string => {
    try {
      return String(make().data);
    } catch (error) {
      return error instanceof LanewiseError ? `${error.code}: ${error.message}` : `not a LanewiseError: ${error}`;
    }
  };

  it.each<[string, () => Tensor, string]>([
    ["an unknown data type", () => new Tensor("int4" as never, [1], [1]), 'input: a tensor has data type "int4"; see DataType'],
    [
      "no shape",
      () => new Tensor("float32", undefined as never, [1]),
      "input: a tensor's shape is a list of whole numbers from 0, found undefined",
    ],
    ["half a dimension", () => new Tensor("float32", [1.5], [1]), "found [1.5]"],
    [
      "no data",
      () => new Tensor("float32", [2], undefined as never),
      "input: data of a float32 tensor must be a Float32Array or an array, found undefined",
    ],
    ["absurd dimensions", () => new Tensor("float32", [1e9, 1e9], []), "has 1000000000000000000 elements, the data has 0"],
    ["300 for int8", () => new Tensor("int8", [2], [1, 300]), "input: data of a int8 tensor: element 1 is 300"],
    ["a fraction for int32", () => new Tensor("int32", [1], [1.5]), "element 0 is 1.5"],
    ["a number for float16, which takes bits", () => new Tensor("float16", [1], [0.5]), "element 0 is 0.5"],
    ["a fraction for int64", () => new Tensor("int64", [1], [1.5]), "input: data of a int64 tensor: "],
    ["more than 64 bits", () => new Tensor("int64", [1], [2n ** 63n]), "element 0 is 9223372036854775808"],
    ["a negative for uint64", () => new Tensor("uint64", [1], Int32Array.of(-1)), "element 0 is -1"],
  ])("is refused: %s", (_, make, expected) => {
    expect(message(make)).toContain(expected);
  });

  it("takes numbers, bigints and booleans that its data type has", () => {
    expect(message(() => new Tensor("uint8", [2], [0, 255]))).toBe("0,255");
    expect(message(() => new Tensor("int64", [2], [-5, 7]))).toBe("-5,7");
    expect(message(() => new Tensor("bool", [2], [true, false] as never))).toBe("1,0");
    expect(message(() => new Tensor("float32", [1], [0.5]))).toBe("0.5");
  });
});
