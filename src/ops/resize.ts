// Resizing along any axes: nearest by copies, linear and cubic by weighted taps, one axis after another.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, type Quantization, sizeOf, type TensorType, type TypedArray } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Pointer } from "./define.ts";
import { type AnyContext, axesOf, isPending, listParameter } from "./parameters.ts";
import { realsOf, writeReals } from "./real.ts";
import { type AxisResize, type AxisTaps, isIdentity, type ResizeMode, tapsOf } from "./resize-taps.ts";

const modeOf = ({ attributes }: AnyContext): ResizeMode => ({
  mode: attributes.string("mode", "nearest"),
  coordinates: attributes.string("coordinates", "half_pixel"),
  nearest: attributes.string("nearest", "round_prefer_floor"),
  cubicA: attributes.number("cubicA", -0.75),
  excludeOutside: attributes.boolean("excludeOutside", false),
  antialias: attributes.boolean("antialias", false),
});

/** A parameter that is given for `axes`, spread over all of them. */
function spread(
  values: readonly number[],
  axes: readonly number[],
  rank: number,
  name: string,
  fallback: (axis: number) => number,
): number[] {
  check(values.length === axes.length, "shape", () => `${name} [${values}] must have ${axes.length} numbers`);
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? values[axes.indexOf(axis)]! : fallback(axis)));
}

/** Sizes that keep the aspect ratio within, or around, the wanted ones. */
function fitted(
  wanted: readonly number[],
  shape: readonly number[],
  axes: readonly number[],
  policy: string,
): { sizes: number[]; scales: number[] } {
  const ratios = axes.map((axis) => wanted[axis]! / shape[axis]!);
  const scale = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  const sizes = shape.map((dim, axis) => (axes.includes(axis) ? Math.floor(scale * dim + 0.5) : dim));
  return { sizes, scales: shape.map((_, axis) => (axes.includes(axis) ? scale : 1)) };
}

/** How every axis is resized; undefined while scales or sizes are not known. */
function axisResizes(ctx: AnyContext, shape: readonly number[]): AxisResize[] | undefined {
  if (isPending(ctx, "scales", 2) || isPending(ctx, "sizes", 3) || isPending(ctx, "roi", 1)) return undefined;
  const rank = shape.length;
  const axes = ctx.attributes.has("axes") ? axesOf(ctx.attributes.numbers("axes"), rank) : shape.map((_, axis) => axis);
  const roi = listParameter(ctx, "roi", 1) ?? [];
  const starts = spread(roi.length ? roi.slice(0, axes.length) : axes.map(() => 0), axes, rank, "roi", () => 0);
  const ends = spread(roi.length ? roi.slice(axes.length) : axes.map(() => 1), axes, rank, "roi", () => 1);
  const { sizes, scales } = targets(ctx, shape, axes);
  return shape.map((input, axis) => ({ input, output: sizes[axis]!, scale: scales[axis]!, roi: [starts[axis]!, ends[axis]!] }));
}

/** Output sizes and scales from whichever of the two the model gives. */
function targets(ctx: AnyContext, shape: readonly number[], axes: readonly number[]): { sizes: number[]; scales: number[] } {
  const sizes = listParameter(ctx, "sizes", 3);
  if (sizes?.length) {
    const wanted = spread(sizes, axes, shape.length, "sizes", (axis) => shape[axis]!);
    const policy = ctx.attributes.string("keepAspect", "stretch");
    if (policy !== "stretch") return fitted(wanted, shape, axes, policy);
    return { sizes: wanted, scales: wanted.map((size, axis) => size / shape[axis]!) };
  }
  const given = listParameter(ctx, "scales", 2);
  check(given?.length, "shape", () => "needs scales or sizes");
  const scales = spread(given, axes, shape.length, "scales", () => 1);
  return { sizes: shape.map((dim, axis) => Math.floor(dim * scales[axis]!)), scales };
}

interface Pass {
  readonly axis: number;
  readonly taps: AxisTaps;
}

/** The axes that change, with their taps. */
function passesOf(ctx: AnyContext, resizes: readonly AxisResize[]): Pass[] {
  const mode = modeOf(ctx);
  return resizes.flatMap((resize, axis) => {
    if (resize.input === resize.output && resize.scale === 1 && mode.coordinates !== "tf_crop_and_resize") return [];
    const taps = tapsOf(resize, mode);
    return isIdentity(resize, taps) ? [] : [{ axis, taps }];
  });
}

const product = (shape: readonly number[], from: number, to = shape.length): number => sizeOf(shape.slice(from, to));

/** Runs `step` for each pass from the input to the output, with scratch blocks in between. */
function chain(
  ctx: LowerContext,
  passes: readonly Pass[],
  step: (to: Pointer, from: Pointer, pass: Pass, shape: readonly number[]) => void,
): void {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  let shape = x.shape;
  let from = x.pointer;
  for (const [i, pass] of passes.entries()) {
    const next = shape.with(pass.axis, y.shape[pass.axis]!);
    const to = i === passes.length - 1 ? y.pointer : ctx.scratch(sizeOf(next) * ELEMENT_BYTES[y.dataType]);
    step(to, from, pass, shape);
    [from, shape] = [to, next];
  }
}

/** Two neighbouring axes go at once, as the rows and columns of an image; any other axis is a row of pixels. */
function lowerNearest(ctx: LowerContext, passes: readonly Pass[]): void {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const bytes = ELEMENT_BYTES[x.dataType];
  const [first, second] = passes;
  if (passes.length === 2 && first && second && second.axis === first.axis + 1) {
    const { axis } = first;
    const sizes = [x.shape[axis]!, x.shape[axis + 1]!, y.shape[axis]!, y.shape[axis + 1]!] as const;
    const tables = [ctx.table(first.taps.index), ctx.table(second.taps.index)] as const;
    ctx.emitSplit("x8_resize_nearest", product(x.shape, 0, axis) * sizes[2], [
      y.pointer,
      x.pointer,
      ...tables,
      ...sizes,
      product(x.shape, axis + 2) * bytes,
    ]);
    return;
  }
  chain(ctx, passes, (to, from, { axis, taps }, shape) => {
    const tables = [ctx.table(Int32Array.of(0)), ctx.table(taps.index)] as const;
    const pixel = product(shape, axis + 1) * bytes;
    ctx.emitSplit("x8_resize_nearest", product(shape, 0, axis), [to, from, ...tables, 1, shape[axis]!, 1, y.shape[axis]!, pixel]);
  });
}

function lowerWeighted(ctx: LowerContext, passes: readonly Pass[]): void {
  const y = ctx.output(0);
  chain(ctx, passes, (to, from, { axis, taps }, shape) => {
    const tables = [ctx.table(taps.index), ctx.table(Float32Array.from(taps.weights))] as const;
    const [inSize, outSize] = [shape[axis]!, y.shape[axis]!];
    const rows = product(shape, 0, axis) * outSize;
    ctx.emitSplit("f32_resample", rows, [to, from, ...tables, taps.taps, inSize, outSize, product(shape, axis + 1)]);
  });
}

/** One pass in TypeScript. A nearest pass only copies, so that every element type passes through. */
function runPass<T extends ArrayLike<number>>(
  x: T,
  y: { [i: number]: number },
  shape: readonly number[],
  { axis, taps: rows }: Pass,
  outSize: number,
  copies: boolean,
): void {
  const [inSize, inner] = [shape[axis]!, product(shape, axis + 1)];
  const { taps, index, weights } = rows;
  for (let i = 0; i < product(shape, 0, axis) * outSize * inner; i++) {
    const [outer, out, column] = [Math.floor(i / inner / outSize), Math.floor(i / inner) % outSize, i % inner];
    const at = (t: number) => x[(outer * inSize + index[t]!) * inner + column]!;
    if (copies) y[i] = at(out);
    else {
      let sum = 0;
      for (let t = out * taps; t < (out + 1) * taps; t++) sum += weights[t]! * at(t);
      y[i] = sum;
    }
  }
}

/** Writes the extrapolation value wherever an axis is outside of its crop. */
function extrapolate(values: { [i: number]: number }, shape: readonly number[], passes: readonly Pass[], value: number): void {
  for (let i = 0; i < sizeOf(shape); i++)
    if (passes.some(({ axis, taps }) => taps.outside.has(Math.floor(i / product(shape, axis + 1)) % shape[axis]!))) values[i] = value;
}

const someOutside = (passes: readonly Pass[]): boolean => passes.some(({ taps }) => taps.outside.size > 0);

/** True where the output's elements are input elements as they are stored. */
const copiesElements = (ctx: AnyContext, quants: readonly (Quantization | undefined)[]): boolean =>
  ctx.attributes.string("mode", "nearest") === "nearest" &&
  quants.every((quant) => String(quant?.scale) === String(quants[0]?.scale) && String(quant?.zeroPoint) === String(quants[0]?.zeroPoint));

/** The rows and columns of int8 images, linearly, where the model wants them in fixed point. */
function lowerFixedPoint(ctx: LowerContext, passes: readonly Pass[]): boolean {
  const isHalfUp = ctx.attributes.string("rounding", "half_even") === "half_up";
  const isImage = ctx.input(0).shape.length === 4 && passes.every(({ axis }) => axis === 1 || axis === 2);
  if (!isHalfUp || !isImage || ctx.attributes.string("mode") !== "linear") return false;
  const tapsAlong = (axis: number) => passes.find((pass) => pass.axis === axis)?.taps;
  return ctx.quantized?.resize(ctx, tapsAlong(1), tapsAlong(2)) ?? false;
}

export const resize = defineOp({
  name: "resize",
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    const resizes = axisResizes(ctx, shape);
    return [{ dataType, shape: resizes ? resizes.map(({ output }) => output) : shape.map(() => Number.NaN) }];
  },
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    const resizes = axisResizes(ctx, x.shape);
    const nearest = copiesElements(ctx, [x.quant, y.quant]);
    if (!resizes || y.size === 0) return y.size === 0;
    const passes = passesOf(ctx, resizes);
    const extrapolates = someOutside(passes) && (nearest || ctx.attributes.number("extrapolation", 0) !== 0);
    if (extrapolates) return false;
    if (!nearest && x.dataType !== "float32") return lowerFixedPoint(ctx, passes);
    if (passes.length === 0) ctx.emitSplit("x8_copy_rows", 1, [y.pointer, x.pointer, x.bytes, 0, 0]);
    else if (nearest) lowerNearest(ctx, passes);
    else lowerWeighted(ctx, passes);
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const copies = copiesElements(ctx, [ctx.inputQuants[0], ctx.outputQuants[0]]);
    const passes = passesOf(ctx, axisResizes(ctx, x.shape)!);
    let values = (copies ? x.data : realsOf(x, ctx.inputQuants[0])) as Float64Array;
    let shape = x.shape;
    for (const pass of passes) {
      const next = shape.with(pass.axis, y.shape[pass.axis]!);
      const results = copies
        ? (new (x.data.constructor as Float64ArrayConstructor)(sizeOf(next)) as Float64Array)
        : new Float64Array(sizeOf(next));
      runPass(values, results, shape, pass, y.shape[pass.axis]!, copies);
      [values, shape] = [results, next];
    }
    if (someOutside(passes)) {
      values = values.slice();
      extrapolate(values, shape, passes, ctx.attributes.number("extrapolation", 0));
    }
    if (copies) (y.data as TypedArray & Float64Array).set(values);
    else writeReals(y, values, ctx.outputQuants[0]);
  },
});

export const RESIZE_OPS: readonly OpDef[] = [resize];
