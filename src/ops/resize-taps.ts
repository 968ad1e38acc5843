// Which input elements an output element of a resized axis is made of, and how they weigh; as ONNX defines Resize.

/** For each of the axis's outputs `taps` indices and weights. An output outside of a crop has only zero weights. */
export interface AxisTaps {
  readonly taps: number;
  readonly index: Int32Array;
  readonly weights: Float64Array;
  /** Outputs that lie outside of the crop and take the extrapolation value. */
  readonly outside: ReadonlySet<number>;
}

/** What one axis is resized by. */
export interface AxisResize {
  readonly input: number;
  readonly output: number;
  /** Given, or output / input. */
  readonly scale: number;
  /** Start and end of the crop, as parts of the axis. */
  readonly roi: readonly [number, number];
}

export interface ResizeMode {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** A product that only rounding kept from being an integer. */
const nearInteger = (x: number): number => (Math.abs(x - Math.round(x)) < 1e-9 ? Math.round(x) : x);

/** Where output `x` lies on the input axis. */
function sourceOf(x: number, { input, output, scale, roi }: AxisResize, coordinates: string): number {
  const length = nearInteger(scale * input);
  switch (coordinates) {
    case "align_corners":
      return length === 1 ? 0 : (x * (input - 1)) / (length - 1);
    case "asymmetric":
      return x / scale;
    case "tf_half_pixel_for_nn":
      return (x + 0.5) / scale;
    case "tf_crop_and_resize": {
      const size = (roi[1] - roi[0]) * (input - 1);
      return roi[0] * (input - 1) + (length === 1 ? size / 2 : (x * size) / (length - 1));
    }
    case "pytorch_half_pixel":
      return length === 1 ? -0.5 : (x + 0.5) / scale - 0.5;
    case "half_pixel_symmetric":
      return (input / 2) * (1 - output / length) + (x + 0.5) / scale - 0.5;
    default:
      return (x + 0.5) / scale - 0.5;
  }
}

/** True where nearest takes the right neighbour; `ratio` in (0, 1] is the distance from the left one. */
function takesRight(ratio: number, scale: number, nearest: string): boolean {
  if (nearest === "simple") return scale < 1 || ratio === 1;
  if (nearest === "round_prefer_ceil") return ratio >= 0.5;
  if (nearest === "floor") return ratio === 1;
  return nearest === "ceil" || ratio > 0.5;
}

/** The cubic kernel with parameter a, at distance d. */
function cubic(d: number, a: number): number {
  const x = Math.abs(d);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** Weights of the neighbours from number `start` on, counted from the left one. */
function weightsAt(ratio: number, scale: number, { mode, nearest, cubicA, antialias }: ResizeMode): { start: number; weights: number[] } {
  if (mode === "nearest") return { start: Number(takesRight(ratio, scale, nearest)), weights: [1] };
  const shrink = antialias ? Math.min(scale, 1) : 1;
  const reach = mode === "cubic" ? 2 : 1;
  const start = Math.floor(-reach / shrink) + 1;
  const kernel = mode === "cubic" ? (d: number) => cubic(d, cubicA) : (d: number) => Math.max(1 - Math.abs(d), 0);
  const weights = Array.from({ length: 2 - 2 * start }, (_, i) => kernel((start + i - ratio) * shrink));
  return { start, weights: antialias ? normalized(weights) : weights };
}

function normalized(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The taps of every output along one axis. */
export function tapsOf(axis: AxisResize, mode: ResizeMode): AxisTaps {
  const rows: { at: number; start: number; weights: number[] }[] = [];
  const outside = new Set<number>();
  for (let x = 0; x < axis.output; x++) {
    const source = sourceOf(x, axis, mode.coordinates);
    if (mode.coordinates === "tf_crop_and_resize" && (source < 0 || source > axis.input - 1)) outside.add(x);
    // An element that is hit exactly counts as the right neighbour of the one before.
    const left = Number.isInteger(source) ? source - 1 : Math.floor(source);
    rows.push({ at: left, ...weightsAt(source - left, axis.scale, mode) });
  }
  const taps = rows[0]?.weights.length ?? 1;
  const index = new Int32Array(axis.output * taps);
  const weights = new Float64Array(axis.output * taps);
  for (const [x, row] of rows.entries()) {
    const inside = (i: number) => row.at + row.start + i >= 0 && row.at + row.start + i < axis.input;
    const used = mode.excludeOutside ? normalized(row.weights.map((weight, i) => (inside(i) ? weight : 0))) : row.weights;
    for (let i = 0; i < taps; i++) {
      index[x * taps + i] = Math.min(Math.max(row.at + row.start + i, 0), axis.input - 1);
      weights[x * taps + i] = outside.has(x) ? 0 : used[i]!;
    }
  }
  return { taps, index, weights, outside };
}

/** True where the axis stays as it is. */
export function isIdentity(axis: AxisResize, { taps, index, weights }: AxisTaps): boolean {
  if (axis.input !== axis.output) return false;
  for (let x = 0; x < axis.output; x++) {
    let kept = 0;
    for (let i = x * taps; i < (x + 1) * taps; i++) {
      if (index[i] === x) kept += weights[i]!;
      else if (weights[i] !== 0) return false;
    }
    if (kept !== 1) return false;
  }
  return true;
}
