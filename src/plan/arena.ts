// Gives every buffer of the arena an offset: buffers that are alive at the same step never overlap.

/** Bytes needed from step `first` to step `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface ArenaLayout {
  /** Offset of each lifetime, in their order. */
  readonly offsets: number[];
  readonly bytes: number;
}

/** Every offset is a multiple of this; it is a vector's size. */
export const ALIGNMENT = 16;
const ROUNDS = 64;

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
const coexist = (a: Lifetime, b: Lifetime): boolean => a.first <= b.last && b.first <= a.last;
const area = (l: Lifetime): number => l.bytes * (l.last - l.first + 1);

/** The largest sum of live bytes (each rounded up to the alignment) over the steps: no layout can be smaller. */
export function lowerBound(lifetimes: readonly Lifetime[]): number {
  const change = new Map<number, number>();
  for (const { bytes, first, last } of lifetimes) {
    change.set(first, (change.get(first) ?? 0) + align(bytes));
    change.set(last + 1, (change.get(last + 1) ?? 0) - align(bytes));
  }
  let live = 0;
  let most = 0;
  for (const step of [...change.keys()].sort((a, b) => a - b)) {
    live += change.get(step)!;
    most = Math.max(most, live);
  }
  return most;
}

/** Puts each lifetime, in the given order, into the lowest gap left by those it coexists with. */
function placeInOrder(lifetimes: readonly Lifetime[], order: readonly number[]): ArenaLayout {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const placed: number[] = []; // by offset
  let total = 0;
  for (const index of order) {
    const lifetime = lifetimes[index]!;
    const bytes = align(lifetime.bytes);
    let offset = 0;
    for (const other of placed) {
      if (!coexist(lifetime, lifetimes[other]!)) continue;
      if (offset + bytes <= offsets[other]!) break;
      offset = Math.max(offset, offsets[other]! + align(lifetimes[other]!.bytes));
    }
    offsets[index] = offset;
    total = Math.max(total, offset + bytes);
    let at = placed.length;
    while (at > 0 && offsets[placed[at - 1]!]! > offset) at--;
    placed.splice(at, 0, index);
  }
  return { offsets, bytes: total };
}

/**
 * Lays out the arena. Tries the largest first, the longest-lived first and the steps' own order, then moves the
 * buffer that sticks out to the front and tries again; keeps the best, and stops at the lower bound.
 */
export function layoutArena(lifetimes: readonly Lifetime[]): ArenaLayout {
  const bound = lowerBound(lifetimes);
  const orderBy = (key: (l: Lifetime) => number) =>
    lifetimes.map((_, i) => i).sort((a, b) => key(lifetimes[b]!) - key(lifetimes[a]!) || a - b);
  const orders = [orderBy((l) => l.bytes), orderBy(area), orderBy((l) => -l.first)];
  let best: ArenaLayout | undefined;
  for (const order of orders) {
    for (let round = 0; round < ROUNDS; round++) {
      const layout = placeInOrder(lifetimes, order);
      if (!best || layout.bytes < best.bytes) best = layout;
      if (best.bytes <= bound) return best;
      const top = order.findIndex((i) => layout.offsets[i]! + align(lifetimes[i]!.bytes) === layout.bytes);
      if (top <= 0) break;
      order.unshift(...order.splice(top, 1));
    }
  }
  return best ?? { offsets: [], bytes: 0 };
}
