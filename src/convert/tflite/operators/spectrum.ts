// Fourier transforms of real numbers, and the operators on what comes out. A complex tensor is two values: its real part stands for
// it in the graph, its imaginary part beside it in a map.
import { check } from "../../../errors.ts";
import type { Value } from "../../../graph/types.ts";
import { like, type OperatorContext, type OperatorImports, shapeOf } from "../context.ts";

const imaginaryParts = new WeakMap<Value, Value>();

/** The imaginary part of a complex value; undefined for a real one. */
export const imaginaryOf = (value: Value): Value | undefined => imaginaryParts.get(value);

/** Makes an operator's output complex. */
export const setImaginary = (real: Value, imaginary: Value): void => {
  imaginaryParts.set(real, imaginary);
};

interface Parts {
  readonly real: Value;
  readonly imaginary: Value;
}

const counting = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i);

/**
 * e^(−2πi · row · column / length), as its real and its imaginary part. It is for the planner to compute: as constants these would
 * be most of some files. Angles are less half a turn, so that both halves of a turn have the same bits, and products by them fold.
 */
function turns(ctx: OperatorContext, rows: number, columns: number, length: number): Parts {
  const type = { dataType: "float32", shape: [rows, columns] } as const;
  const [i, j] = [ctx.constant("i", "float32", [rows, 1], counting(rows)), ctx.constant("j", "float32", [1, columns], counting(columns))];
  // whole numbers, and exact: an angle of many turns would not be
  const steps = ctx.make("mod", [ctx.make("mul", [i, j], {}, type), scalar(ctx, length)], { fmod: true }, type);
  const lessHalf = ctx.make("sub", [steps, scalar(ctx, length / 2)], {}, type);
  const angle = ctx.make("mul", [lessHalf, scalar(ctx, (2 * Math.PI) / length)], {}, type);
  return { real: ctx.make("neg", [ctx.make("cos", [angle], {}, type)], {}, type), imaginary: ctx.make("sin", [angle], {}, type) };
}

const scalar = (ctx: OperatorContext, value: number): Value => ctx.constant("scalar", "float32", [], Float32Array.of(value));

/** The first `size` of an axis, counted from the end. */
function first(ctx: OperatorContext, x: Value, axis: -1 | -2, size: number): Value {
  const shape = [...shapeOf(x)];
  const at = shape.length + axis;
  if (!(shape[at]! > size)) return x;
  shape[at] = size;
  return ctx.make("slice", [x], { starts: [0], ends: [size], axes: [at] }, like(x, shape));
}

/** x[…, H, W], the lengths of both transforms: rows and columns are cut or, with zeros, filled up to them. */
const RFFT2D = (ctx: OperatorContext): void => {
  const [height, width] = ctx.known(1, "the lengths of the transform") as [number, number];
  check(height > 0 && width > 0, "shape", () => `the lengths of the transform must be above 0, found ${height} and ${width}`);
  const x = first(ctx, first(ctx, ctx.input(0), -1, width), -2, height);
  const dims = shapeOf(x);
  const [rows, columns] = dims.slice(-2) as [number, number];
  check(dims.length >= 2 && rows > 0 && columns > 0, "unsupported", () => `rows and columns must be known, found [${dims}]`);
  const bins = Math.floor(width / 2) + 1;
  const across = turns(ctx, columns, bins, width);
  const half = like(x, [...dims.slice(0, -1), bins]);
  const y = ctx.output();
  if (height === 1) {
    ctx.emit("matmul", [x, across.real]);
    setImaginary(y, ctx.make("matmul", [x, across.imaginary], {}, half));
    return;
  }
  const down = turns(ctx, height, rows, height);
  const [real, imaginary] = [across.real, across.imaginary].map((part) => ctx.make("matmul", [x, part], {}, half)) as [Value, Value];
  const whole = like(x, [...dims.slice(0, -2), height, bins]);
  const times = (matrix: Value, part: Value) => ctx.make("matmul", [matrix, part], {}, whole);
  ctx.emit("sub", [times(down.real, real), times(down.imaginary, imaginary)]);
  setImaginary(y, ctx.make("add", [times(down.real, imaginary), times(down.imaginary, real)], {}, whole));
};

function complexInput(ctx: OperatorContext): Parts {
  const real = ctx.input(0);
  const imaginary = imaginaryOf(real);
  check(imaginary, "unsupported", () => `expected a complex tensor that RFFT2D makes, found tensor "${real.name}"`);
  return { real, imaginary };
}

const COMPLEX_ABS = (ctx: OperatorContext): void => {
  const { real, imaginary } = complexInput(ctx);
  const square = (part: Value) => ctx.make("mul", [part, part], {}, like(part, shapeOf(part)));
  const sum = ctx.make("add", [square(real), square(imaginary)], {}, like(real, shapeOf(real)));
  ctx.emit("sqrt", [sum]);
};

export const spectra: OperatorImports = {
  RFFT2D,
  COMPLEX_ABS,
  REAL: (ctx) => ctx.alias(complexInput(ctx).real),
  IMAG: (ctx) => ctx.alias(complexInput(ctx).imaginary),
};

/** Operators that take or make complex tensors; others are refused by their data type. */
export const ON_COMPLEX: ReadonlySet<string> = new Set(["RESHAPE", ...Object.keys(spectra)]);
