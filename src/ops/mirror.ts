// Finds matrices that are mirrored: B[first + i, j] = ±B[last − i, j], as the cosines and sines of a Fourier transform are.
// A product with such a matrix needs half the multiplications, if its input is folded first (folded-product.ts).
import type { TypedArray } from "../graph/types.ts";
import { type Matrix, PANEL } from "./pack-f32.ts";

/** Neighbouring columns that are all the same in the mirror, or all the same but for their sign. */
export interface MirroredColumns {
  readonly first: number;
  readonly count: number;
  readonly isOdd: boolean;
}

/** Row first + i pairs with row last − i. Rows outside are singles, on one side alone, or zero. */
export interface Mirror {
  readonly first: number;
  readonly last: number;
  readonly pairs: number;
  readonly single: number;
  readonly singles: number;
  /** There is a row in the middle. */
  readonly middle: boolean;
  readonly parts: readonly MirroredColumns[];
}

/** A matrix that begins where its data does. */
type WholeMatrix = Omit<Matrix, "offset">;

/** Differences that rounding may have made, as a part of the largest weight. */
const ROUNDING = 2 ** -22;

/** So many rows at least, so many parts at most, and so much of the rows in pairs: what is less does not pay for folding. */
const LEAST_ROWS = 32;
const MOST_PARTS = 4;
const LEAST_PAIRED = 0.5;

const found = new WeakMap<TypedArray, Map<string, Mirror | undefined>>();

/** The mirror of a matrix; looked for once. */
export function mirrorOf(matrix: WholeMatrix): Mirror | undefined {
  const { data, n, k, rowStride, colStride } = matrix;
  if (k < LEAST_ROWS || n < PANEL) return undefined;
  const known = found.get(data) ?? new Map<string, Mirror | undefined>();
  found.set(data, known);
  const key = `${n} ${k} ${rowStride} ${colStride}`;
  if (!known.has(key)) known.set(key, findMirror(matrix));
  return known.get(key);
}

/** True where rows first + i and last − i of column j are the same, times `sign`, but for `tolerance`. */
type IsPaired = (j: number, first: number, last: number, sign: number, tolerance: number) => boolean;

function findMirror({ data, n, k, rowStride, colStride }: WholeMatrix): Mirror | undefined {
  const isPaired: IsPaired = (j, first, last, sign, tolerance) => {
    const column = j * colStride;
    for (let [i, other] = [first, last]; i <= other; i++, other--)
      if (!(Math.abs(data[column + i * rowStride]! - sign * data[column + other * rowStride]!) <= tolerance)) return false;
    return true;
  };
  const isZero = (i: number): boolean => {
    for (let j = 0; j < n; j++) if (data[i * rowStride + j * colStride] !== 0) return false;
    return true;
  };
  let [begin, end] = [0, k - 1];
  while (begin < end && isZero(begin)) begin++;
  while (end > begin && isZero(end)) end--;
  // One column tells most matrices that have no mirror, before all of the weights are read.
  const spans = spansOf(begin, end).filter(([first, last]) =>
    [1, -1].some((sign) => isPaired(n >> 1, first, last, sign, 0.01 * sizeOf(n >> 1))),
  );
  if (spans.length === 0) return undefined;
  let largest = 0;
  for (let j = 0; j < n; j++) largest = Math.max(largest, sizeOf(j));
  const tolerance = largest * ROUNDING;
  for (const [first, last] of spans) {
    const parts = partsOf(n, (j, sign) => isPaired(j, first, last, sign, tolerance));
    if (!parts) continue;
    const [pairs, middle] = [(last - first + 1) >> 1, (last - first) % 2 === 0];
    return { first, last, pairs, single: first > begin ? begin : last + 1, singles: end - begin - (last - first), middle, parts };
  }
  return undefined;

  /** The largest weight of a column. */
  function sizeOf(j: number): number {
    let size = 0;
    for (let i = 0; i < k; i++) size = Math.max(size, Math.abs(data[i * rowStride + j * colStride]!));
    return size;
  }
}

/** The rows [first, last] that may be mirrored, those with the most pairs first. */
function spansOf(begin: number, end: number): (readonly [first: number, last: number])[] {
  const most = Math.floor((end - begin + 1) * (1 - LEAST_PAIRED));
  return Array.from({ length: most + 1 }, (_, less) => less).flatMap((less) =>
    less === 0 ? [[begin, end] as const] : [[begin, end - less] as const, [begin + less, end] as const],
  );
}

/** The columns by their sign. A column that fits both, as one of zeros, goes with its neighbours. */
function partsOf(n: number, fits: (j: number, sign: number) => boolean): MirroredColumns[] | undefined {
  const parts: MirroredColumns[] = [];
  let first = 0;
  while (first < n) {
    if (parts.length === MOST_PARTS) return undefined;
    let [even, odd, end] = [true, true, first];
    for (; end < n; end++) {
      const [isEven, isOdd] = [even && fits(end, 1), odd && fits(end, -1)];
      if (!isEven && !isOdd) break;
      [even, odd] = [isEven, isOdd];
    }
    if (end === first) return undefined;
    parts.push({ first, count: end - first, isOdd: odd });
    first = end;
  }
  return parts;
}

/** Rows of a folded matrix: a multiple of eight, as Strassen's algorithm takes them. */
export const foldedRows = ({ pairs, singles, middle }: Mirror, isOdd: boolean): number =>
  Math.ceil((pairs + singles + (middle && !isOdd ? 1 : 0)) / 8) * 8;

/** The rows that remain of some columns: the means of pairs, singles, the middle where it is not zero, zeros. */
export function foldMatrix({ data, rowStride, colStride }: WholeMatrix, mirror: Mirror, part: MirroredColumns): Matrix {
  const { first, last, pairs, single, singles, middle } = mirror;
  const [k, n] = [foldedRows(mirror, part.isOdd), part.count];
  const folded = new Float32Array(k * n);
  const sign = part.isOdd ? -1 : 1;
  for (let j = 0; j < n; j++) {
    const at = (row: number): number => data[row * rowStride + (part.first + j) * colStride]!;
    for (let i = 0; i < pairs; i++) folded[i * n + j] = (at(first + i) + sign * at(last - i)) / 2;
    for (let i = 0; i < singles; i++) folded[(pairs + i) * n + j] = at(single + i);
    if (middle && !part.isOdd) folded[(pairs + singles) * n + j] = at(first + pairs);
  }
  return { data: folded, n, k, rowStride: n, colStride: 1 };
}

/** The words of `FoldShape` (assembly/kernels/f32-fold.ts) for rows `ldx` elements apart. */
export function foldWords(mirror: Mirror, isOdd: boolean, ldx: number): Int32Array {
  const { first, last, pairs, single, singles, middle } = mirror;
  return Int32Array.of(
    foldedRows(mirror, isOdd),
    ldx,
    first,
    last,
    pairs,
    isOdd ? -(2 ** 31) : 0,
    single,
    singles,
    middle && !isOdd ? 1 : 0,
  );
}
