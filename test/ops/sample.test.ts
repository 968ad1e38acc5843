import { describe, expect, it } from "vitest";
import { runOp, type TestInput } from "../support/run-op.ts";

const image: TestInput = { dataType: "float32", shape: [1, 3, 4, 2], data: Float32Array.from({ length: 24 }, (_, i) => (i * 7) % 24) };
const pixel = (row: number, col: number) => [0, 1].map((c) => (((row * 4 + col) * 2 + c) * 7) % 24);
const grid = (points: readonly (readonly [x: number, y: number])[]): TestInput => ({
  dataType: "float32",
  shape: [1, 1, points.length, 2],
  data: points.flat(),
});
const sample = (attributes: object, points: readonly (readonly [number, number])[]) =>
  Array.from(runOp("grid_sample", attributes as never, [image, grid(points)])[0]!.data as Float32Array);

describe("grid_sample", () => {
  it("reads pixels and the middle between them", () => {
    const between = pixel(0, 0).map((v, c) => (v + pixel(0, 1)[c]!) / 2);
    const read = sample({ alignCorners: true }, [
      [-1, -1],
      [1, 1],
      [-2 / 3, -1],
    ]);
    for (const [i, v] of [...pixel(0, 0), ...pixel(2, 3), ...between].entries()) expect(read[i]).toBeCloseTo(v, 4);
  });

  it.each([
    ["zeros", [0, 0]],
    ["border", pixel(0, 0)],
    ["reflection", pixel(0, 1)],
  ])("beyond the corner: %s", (padding, expected) => {
    expect(sample({ mode: "nearest", padding }, [[-1.7, -0.9]])).toEqual(expected);
  });

  it("passes through the pixels in cubic mode", () => {
    expect(sample({ mode: "cubic", alignCorners: true, padding: "border" }, [[-1, 0]]).map(Math.round)).toEqual(pixel(1, 0));
  });

  it("refuses a grid of other coordinates", () => {
    expect(() => runOp("grid_sample", {}, [image, { dataType: "float32", shape: [1, 1, 1, 3], data: [0, 0, 0] }])).toThrow(
      "must give 2 coordinates",
    );
  });
});

describe("roi_align", () => {
  const rois = (...corners: number[]): TestInput => ({ dataType: "float32", shape: [corners.length / 4, 4], data: corners });
  const first: TestInput = { dataType: "int64", shape: [1], data: BigInt64Array.of(0n) };
  const cells = { outputHeight: 1, outputWidth: 2, samplingRatio: 1 };

  it("averages, or takes the largest of, what it samples", () => {
    const [mean] = runOp("roi_align", cells, [image, rois(0.5, 0.5, 2.5, 1.5), first]);
    // One sample a cell: row 0.5, columns 0.5 and 1.5, each between four pixels.
    const around = (col: number) =>
      pixel(0, col).map((v, c) => (v + pixel(0, col + 1)[c]! + pixel(1, col)[c]! + pixel(1, col + 1)[c]!) / 4);
    expect(Array.from(mean!.data as Float32Array)).toEqual([...around(0), ...around(1)]);
    const [most] = runOp("roi_align", { ...cells, mode: "max" }, [image, rois(0.5, 0.5, 2.5, 1.5), first]);
    const largest = (col: number) =>
      pixel(0, col).map((v, c) => Math.max(v, pixel(0, col + 1)[c]!, pixel(1, col)[c]!, pixel(1, col + 1)[c]!) / 4);
    expect(Array.from(most!.data as Float32Array)).toEqual([...largest(0), ...largest(1)]);
  });
});

describe("roi_align", () => {
  const align = (region: readonly number[], batch: number) =>
    runOp("roi_align", { outputHeight: 1, outputWidth: 1 }, [
      image,
      { dataType: "float32", shape: [1, 4], data: region },
      { dataType: "int64", shape: [1], data: BigInt64Array.of(BigInt(batch)) },
    ]);

  it("refuses images that are not there, and regions without end", () => {
    expect(() => align([0, 0, 2, 2], 1)).toThrow("region 0 is of image 1, of 1 images");
    expect(() => align([0, 0, 2, 2], -1)).toThrow("region 0 is of image -1");
    expect(() => align([0, 0, 2, 1e9], 0)).toThrow("takes more than 4096 samples");
    expect(() => align([0, 0, Number.NaN, 2], 0)).toThrow("a region from -0.5 to NaN");
  });
});
