import { describe, expect, it } from "vitest";
import { TIERS } from "../support/kernels.ts";
import { runOp } from "../support/run-op.ts";

describe.each(TIERS)("planes of a picture, %s", (tier) => {
  it.each([
    [1, 1],
    [3, 5],
    [4, 4],
    [5, 7],
    [9, 33],
  ])("become pixels, %i × %i", (height, width) => {
    const size = height * width;
    const data = Int8Array.from({ length: 6 * size }, (_, i) => i * 7);
    const y = runOp("transpose", { perm: [0, 2, 3, 1] }, [{ dataType: "int8", shape: [2, 3, height, width], data }], { tier })[0]!;
    const expected = Int8Array.from({ length: 6 * size }, (_, i) => {
      const image = Math.floor(i / 3 / size),
        pixel = Math.floor(i / 3) % size;
      return data[(image * 3 + (i % 3)) * size + pixel]!;
    });
    expect(Array.from(y.data as Int8Array)).toEqual(Array.from(expected));
  });
});
