import { encode as encodePng } from "fast-png";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { type ImageOptions, isImage, readImage } from "../../src/cli/image.ts";
import type { DataType } from "../../src/index.ts";

const png = (width: number, height: number, channels: number, data: readonly number[]) =>
  encodePng({ width, height, channels, depth: 8, data: Uint8Array.from(data) });
/** Red, green; blue, white. */
const COLORS = png(2, 2, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);

const read = (bytes: Uint8Array, dataType: DataType, shape: (number | null)[], options: ImageOptions = {}) => {
  const tensor = readImage(bytes, { dataType, shape }, options);
  return { shape: [...tensor.shape], data: Array.from(tensor.data as Float32Array, (value) => Math.round(value * 1000) / 1000) };
};

describe("a picture becomes an input", () => {
  it("with channels last or first, as the shape tells", () => {
    expect(read(COLORS, "float32", [1, 2, 2, 3]).data).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]);
    expect(read(COLORS, "float32", [1, 3, 2, 2]).data).toEqual([1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
    expect(read(COLORS, "float32", [2, 2, 3]).data).toEqual(read(COLORS, "float32", [1, 2, 2, 3]).data);
    expect(read(png(3, 3, 1, [0, 0, 0, 0, 255, 0, 0, 0, 0]), "uint8", [1, 3, 3, 3], { layout: "nchw" }).data[4]).toBe(255);
  });

  it("of its own size where dimensions are open", () => {
    expect(read(COLORS, "uint8", [null, null, null, 3]).shape).toEqual([1, 2, 2, 3]);
    expect(read(COLORS, "uint8", [null, 3, null, null]).shape).toEqual([1, 3, 2, 2]);
    expect(read(COLORS, "uint8", [null, null, null, null]).shape).toEqual([1, 2, 2, 3]);
  });

  it("in the element type's own range", () => {
    const grey = png(2, 1, 1, [0, 255]);
    expect(read(grey, "uint8", [1, 1, 2, 1]).data).toEqual([0, 255]);
    expect(read(grey, "int8", [1, 1, 2, 1]).data).toEqual([-128, 127]);
    expect(read(grey, "float32", [1, 1, 2, 1]).data).toEqual([0, 1]);
    expect(read(grey, "float64", [1, 2]).data).toEqual([0, 1]);
  });

  it("normalized as told", () => {
    const grey = png(2, 1, 1, [0, 255]);
    expect(read(grey, "float32", [1, 1, 2, 1], { mean: [0.5], std: [0.25] }).data).toEqual([-2, 2]);
    expect(read(grey, "float32", [1, 1, 2, 1], { scale: 1, mean: [127.5], std: [127.5] }).data).toEqual([-1, 1]);
    expect(read(COLORS, "float32", [1, 3, 2, 2], { mean: [0, 1, 2] }).data).toEqual([1, 0, 0, 1, -1, 0, -1, 0, -2, -2, -1, -1]);
    expect(read(grey, "uint8", [1, 1, 2, 1], { scale: 2 }).data).toEqual([0, 255]);
  });

  it("in the colours that the model takes", () => {
    expect(read(COLORS, "uint8", [1, 2, 2, 3], { bgr: true }).data.slice(0, 3)).toEqual([0, 0, 255]);
    expect(read(COLORS, "uint8", [1, 2, 2, 1]).data).toEqual([76, 150, 29, 255]);
    expect(read(png(1, 1, 1, [9]), "uint8", [1, 1, 1, 3]).data).toEqual([9, 9, 9]);
    expect(read(png(1, 1, 4, [1, 2, 3, 4]), "uint8", [1, 1, 1, 3]).data).toEqual([1, 2, 3]);
    expect(read(COLORS, "uint8", [1, 2, 2, 4]).data.slice(0, 4)).toEqual([255, 0, 0, 255]);
  });

  it("of another size, smoothly", () => {
    const flat = png(5, 4, 1, new Array<number>(20).fill(100));
    expect(new Set(read(flat, "uint8", [1, 7, 3, 1]).data)).toEqual(new Set([100]));
    expect(read(png(2, 1, 1, [0, 200]), "uint8", [1, 1, 4, 1]).data).toEqual([0, 50, 150, 200]);
    expect(read(png(4, 1, 1, [0, 0, 200, 200]), "uint8", [1, 1, 1, 1]).data).toEqual([100]);
  });

  it("from PNG of other depths", () => {
    const deep = encodePng({ width: 2, height: 1, channels: 1, depth: 16, data: Uint16Array.of(0, 65535) });
    expect(read(deep, "uint8", [1, 1, 2, 1]).data).toEqual([0, 255]);
  });

  it("from JPEG", () => {
    const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) => (i % 4 === 0 ? 200 : i % 4 === 3 ? 255 : 40));
    const bytes = Uint8Array.from(jpeg.encode({ width: 16, height: 16, data }, 95).data);
    expect(isImage(bytes)).toBe(true);
    const pixels = read(bytes, "uint8", [1, 16, 16, 3]).data;
    for (const [i, value] of pixels.entries()) expect(Math.abs(value - (i % 3 === 0 ? 200 : 40))).toBeLessThan(6);
  });
});

describe("a picture is refused", () => {
  it.each<[string, Uint8Array, DataType, number[], string]>([
    ["by an input of another rank", COLORS, "float32", [10], "a picture does not fit an input of shape [10]"],
    ["by an input of many channels", COLORS, "float32", [1, 2, 2, 7], "a picture does not fit an input of shape [1,2,2,7]"],
    ["by a batch", COLORS, "float32", [8, 2, 2, 3], "a picture does not fit"],
    ["by an input of wide integers", COLORS, "int64", [1, 2, 2, 3], "a picture cannot become int64"],
    ["when it is torn", COLORS.slice(0, 40), "float32", [1, 2, 2, 3], "the picture cannot be read"],
  ])("%s", (_, bytes, dataType, shape, message) => {
    expect(() => readImage(bytes, { dataType, shape }, {})).toThrow(
      expect.objectContaining({ code: "input", message: expect.stringContaining(message) }),
    );
  });
});
