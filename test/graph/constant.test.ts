import { expect, it } from "vitest";
import { constantElements } from "../../src/graph/constant.ts";

it("copies elements that are not aligned, from a Buffer too", () => {
  const bytes = Buffer.from([9, 0, 0, 0x80, 0x3f]).subarray(1);
  const shifted = Buffer.from(new ArrayBuffer(8), 1, 4);
  bytes.copy(shifted);
  const value = { name: "w", type: { dataType: "float32", shape: [1] }, constant: { storage: "float32", bytes: shifted } } as const;
  expect(constantElements(value)).toEqual(Float32Array.of(1));
});
