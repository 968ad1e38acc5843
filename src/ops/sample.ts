// Reads of an image at positions that tensors name: grid_sample and roi_align, channels last, in TypeScript.
import { check } from "../errors.ts";
import { sizeOf, type TensorType } from "../graph/types.ts";
import { type AttributeReader, defineOp, type HostContext, type InferContext, type OpDef } from "./define.ts";
import { numbersOf, roundHalfEven, writeNumbers } from "./host-elements.ts";
import { stridesOf } from "./moves.ts";

/** A position of one axis and its share; position −1 is outside, where everything is 0. */
type Tap = readonly [position: number, weight: number];

/** Folds a coordinate into [low, high] as if there were mirrors at both ends. */
function reflect(x: number, low: number, high: number): number {
  const range = high - low;
  if (range === 0 || (x >= low && x <= high)) return range === 0 ? low : x;
  const distance = x < low ? low - x : x - high;
  const turns = Math.floor(distance / range);
  const rest = distance - turns * range;
  return x < low === (turns % 2 === 0) ? low + rest : high - rest;
}

/** Weights of the four neighbours for the fraction t (Keys' kernel with a = −0.75, as PyTorch has it). */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** How a grid reads an axis. */
interface Sampling {
  readonly mode: string;
  readonly padding: string;
  readonly alignCorners: boolean;
}

function samplingOf(attributes: AttributeReader): Sampling {
  const [mode, padding] = [attributes.string("mode", "linear"), attributes.string("padding", "zeros")];
  check(["linear", "nearest", "cubic"].includes(mode), "unsupported", () => `mode "${mode}"`);
  check(["zeros", "border", "reflection"].includes(padding), "unsupported", () => `padding "${padding}"`);
  return { mode, padding, alignCorners: attributes.boolean("alignCorners", false) };
}

/** The taps of grid coordinate `at`, which is −1 at the first and 1 at the last of `size` elements. */
function tapsAt({ mode, padding, alignCorners }: Sampling, at: number, size: number): Tap[] {
  const [low, high] = alignCorners ? [0, size - 1] : [-0.5, size - 0.5];
  const fold = (x: number): number => {
    if (padding === "border") return Math.min(Math.max(x, 0), size - 1);
    if (padding === "reflection") return reflect(x, low, high);
    return x;
  };
  const given = alignCorners ? ((at + 1) / 2) * (size - 1) : ((at + 1) * size - 1) / 2;
  const rounded = mode === "nearest" ? roundHalfEven(given) : given;
  const x = rounded < low || rounded > high ? fold(rounded) : rounded;
  const position = (i: number): number => {
    const folded = Math.trunc(fold(i));
    return folded >= 0 && folded < size ? folded : -1;
  };
  if (mode === "nearest") return [[position(Math.trunc(x)), 1]];
  const first = Math.floor(x);
  const t = x - first;
  if (mode === "linear")
    return [
      [position(first), 1 - t],
      [position(first + 1), t],
    ];
  return cubicWeights(t).map((weight, i) => [position(first - 1 + i), weight]);
}

/** Calls `visit` with the element and the weight of every combination of taps that lies inside. */
function combine(taps: readonly (readonly Tap[])[], strides: readonly number[], visit: (at: number, weight: number) => void): void {
  const walk = (axis: number, at: number, weight: number): void => {
    if (axis === taps.length) visit(at, weight);
    for (const [position, share] of taps[axis] ?? []) if (position >= 0) walk(axis + 1, at + position * strides[axis]!, weight * share);
  };
  walk(0, 0, 1);
}

export const gridSample = defineOp({
  name: "grid_sample",
  infer(ctx: InferContext): TensorType[] {
    const [x, grid] = [ctx.input(0), ctx.input(1)];
    samplingOf(ctx.attributes);
    const axes = x.shape.length - 2;
    check(
      grid.shape.length === axes + 2 && !(grid.shape.at(-1) !== axes),
      "shape",
      () => `a grid must give ${axes} coordinates for each output`,
    );
    return [{ dataType: x.dataType, shape: [...grid.shape.slice(0, -1), x.shape.at(-1)!] }];
  },
  host(ctx: HostContext) {
    const [x, grid, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
    const sampling = samplingOf(ctx.attributes);
    const spatial = x.shape.slice(1, -1);
    const channels = x.shape.at(-1)!;
    const strides = stridesOf(x.shape).slice(1, -1);
    const [values, coordinates] = [numbersOf(x), numbersOf(grid)];
    const [points, image] = [sizeOf(grid.shape.slice(1, -1)), sizeOf(x.shape.slice(1))];
    const results = new Float64Array(y.data.length);
    for (let i = 0; i < results.length / (channels || 1); i++) {
      const taps = spatial.map((size, axis) => tapsAt(sampling, coordinates[(i + 1) * spatial.length - 1 - axis]!, size));
      const base = Math.floor(i / points) * image;
      combine(taps, strides, (at, weight) => {
        for (let c = 0; c < channels; c++) results[i * channels + c]! += weight * values[base + at + c]!;
      });
    }
    writeNumbers(y, results);
  },
});

/** The two rows (or columns) around a position, with their shares; nothing beyond one pixel outside. */
function edgeTaps(at: number, size: number): Tap[] {
  if (at < -1 || at > size) return [];
  const x = Math.max(at, 0);
  const first = Math.min(Math.floor(x), size - 1);
  const t = first === size - 1 ? 0 : x - first;
  return [
    [first, 1 - t],
    [Math.min(first + 1, size - 1), t],
  ];
}

/** A cell of more samples along an axis is no part of an image, and would take hours. */
const MAX_SAMPLES = 4096;

/** Sample positions of every output cell along one axis of a region. */
function cellSamples(start: number, end: number, cells: number, ratio: number, half: boolean): number[][] {
  const length = half ? end - start : Math.max(end - start, 1);
  const cell = length / cells;
  const count = ratio > 0 ? ratio : Math.ceil(cell);
  check(
    count <= MAX_SAMPLES,
    "input",
    () => `a region from ${start} to ${end} in ${cells} cells takes more than ${MAX_SAMPLES} samples each`,
  );
  return Array.from({ length: cells }, (_, i) => Array.from({ length: count }, (_, s) => start + (i + (s + 0.5) / count) * cell));
}

export const roiAlign = defineOp({
  name: "roi_align",
  infer(ctx: InferContext): TensorType[] {
    const [x, rois] = [ctx.input(0), ctx.input(1)];
    check(x.shape.length === 4 && rois.shape.length === 2, "shape", () => "expected an image and a list of regions");
    return [
      {
        dataType: x.dataType,
        shape: [rois.shape[0]!, ctx.attributes.number("outputHeight", 1), ctx.attributes.number("outputWidth", 1), x.shape[3]!],
      },
    ];
  },
  host(ctx: HostContext) {
    const [x, rois, batches, y] = [ctx.input(0), ctx.input(1), ctx.input(2), ctx.outputs[0]!];
    const { attributes } = ctx;
    const [, height, width, channels] = x.shape as [number, number, number, number];
    const [regions, rows, cols] = y.shape as [number, number, number, number];
    const half = attributes.boolean("halfPixel", true);
    const [scale, ratio] = [attributes.number("spatialScale", 1), attributes.number("samplingRatio", 0)];
    const largest = attributes.string("mode", "avg") === "max";
    const [values, corners] = [numbersOf(x), numbersOf(rois)];
    const results = new Float64Array(y.data.length);
    for (let region = 0; region < regions; region++) {
      const [left, top, right, bottom] = [0, 1, 2, 3].map((i) => corners[region * 4 + i]! * scale - (half ? 0.5 : 0)) as [
        number,
        number,
        number,
        number,
      ];
      const [down, across] = [cellSamples(top, bottom, rows, ratio, half), cellSamples(left, right, cols, ratio, half)];
      const batch = Number(batches.data[region]);
      check(batch >= 0 && batch < x.shape[0]!, "input", () => `region ${region} is of image ${batch}, of ${x.shape[0]} images`);
      const image = batch * height * width * channels;
      for (let cell = 0; cell < rows * cols; cell++) {
        const [ys, xs] = [down[Math.floor(cell / cols)]!, across[cell % cols]!];
        const at = (region * rows * cols + cell) * channels;
        for (let c = 0; c < channels; c++) results[at + c] = poolCell(values, image + c, ys, xs, [height, width, channels], largest);
      }
    }
    writeNumbers(y, results);
  },
});

/** Mean of the interpolated samples, or the largest of all weighted neighbours. */
function poolCell(
  values: ArrayLike<number>,
  base: number,
  ys: readonly number[],
  xs: readonly number[],
  [height, width, channels]: readonly [number, number, number],
  largest: boolean,
): number {
  let [sum, most] = [0, Number.NEGATIVE_INFINITY];
  for (const py of ys)
    for (const px of xs) {
      const taps = [edgeTaps(py, height), edgeTaps(px, width)];
      if (taps.some((list) => list.length === 0)) most = Math.max(most, 0);
      combine(taps, [width * channels, channels], (at, weight) => {
        const value = values[base + at]! * weight;
        sum += value;
        most = Math.max(most, value);
      });
    }
  const count = Math.max(ys.length * xs.length, 1);
  return largest ? (most === Number.NEGATIVE_INFINITY ? 0 : most) : sum / count;
}

export const SAMPLE_OPS: readonly OpDef[] = [gridSample, roiAlign];
