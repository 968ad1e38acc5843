// Several kernels can compute one layer. A table of candidates says what each takes, what it is expected to cost and
// how it is called; the estimate picks one, unless the kernels were timed on this device.
import type { LowerContext } from "./define.ts";

/** One way to compute layers of kind L. */
export interface Candidate<L> {
  /** Under which a choice is kept. */
  readonly name: string;
  takes(layer: L): boolean;
  /** Expected time, in multiply-adds of the matrix product. */
  cost(layer: L): number;
  emit(layer: L): void;
}

/** A candidate that is expected to take this many times as long as another is not worth timing: estimates are off by less. */
const HOPELESS = 2;

/**
 * Emits a layer by the candidate that is expected to be the fastest, the first of equals. `key` says all that the
 * times of the candidates depend on. At least one candidate must take the layer.
 */
export function emitFastest<L>(ctx: LowerContext, key: string, layer: L, candidates: readonly Candidate<L>[]): void {
  const able = candidates.filter((candidate) => candidate.takes(layer)).map((candidate) => ({ candidate, cost: candidate.cost(layer) }));
  const least = Math.min(...able.map(({ cost }) => cost));
  const hopeful = able.filter(({ cost }) => cost <= HOPELESS * least).map(({ candidate }) => candidate);
  const estimated = able.find(({ cost }) => cost === least)!.candidate;
  const name = ctx.choose(
    key,
    hopeful.map((candidate) => candidate.name),
    estimated.name,
  );
  (hopeful.find((candidate) => candidate.name === name) ?? estimated).emit(layer);
}
