// Permutations of axes. `perm` means what transpose means: axis i of the result is axis perm[i] of the operand.

export type Permutation = readonly number[];

export const identity = (rank: number): Permutation => Array.from({ length: rank }, (_, axis) => axis);

export const isIdentity = (perm: Permutation): boolean => perm.every((axis, i) => axis === i);

/** The one permutation that does `first`, then `second`. */
export const compose = (first: Permutation, second: Permutation): Permutation => second.map((axis) => first[axis]!);

/** A list with one entry for each axis, after the axes were permuted. */
export const permute = <T>(items: readonly T[], perm: Permutation): T[] => perm.map((axis) => items[axis]!);

/** The axes that matter, in order: axes of one element may stand anywhere. */
export const movedAxes = (shape: readonly number[], perm: Permutation): Permutation => perm.filter((axis) => shape[axis] !== 1);

/** True when transposing only moves axes of one element, so that all elements keep their order. */
export const keepsOrder = (shape: readonly number[], perm: Permutation): boolean =>
  movedAxes(shape, perm).every((axis, i, axes) => i === 0 || axis > axes[i - 1]!);
