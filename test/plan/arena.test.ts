import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALIGNMENT, type ArenaLayout, type Lifetime, layoutArena, lowerBound } from "../../src/plan/arena.ts";

const lifetime: fc.Arbitrary<Lifetime> = fc
  .tuple(fc.integer({ min: 0, max: 100_000 }), fc.nat(60), fc.nat(20))
  .map(([bytes, first, length]) => ({ bytes, first, last: first + length }));

/** The first two lifetimes that overlap in time and in bytes. */
function findOverlap(lifetimes: readonly Lifetime[], { offsets }: ArenaLayout): [number, number] | undefined {
  for (let a = 0; a < lifetimes.length; a++)
    for (let b = 0; b < a; b++) {
      const [one, other] = [lifetimes[a]!, lifetimes[b]!];
      const inTime = one.first <= other.last && other.first <= one.last;
      const inBytes = offsets[a]! < offsets[b]! + other.bytes && offsets[b]! < offsets[a]! + one.bytes;
      if (inTime && inBytes) return [b, a];
    }
  return undefined;
}

/** The most bytes that are alive at one step, counted step by step. */
function naiveBound(lifetimes: readonly Lifetime[]): number {
  const steps = Array.from({ length: 100 }, (_, step) => step);
  const align = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  return Math.max(
    ...steps.map((step) => lifetimes.reduce((sum, l) => (l.first <= step && step <= l.last ? sum + align(l.bytes) : sum), 0)),
  );
}

describe("an arena", () => {
  it("keeps lifetimes apart, aligned and inside, above the lower bound, the same every time", () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 40 }), (lifetimes) => {
        const layout = layoutArena(lifetimes);
        expect(findOverlap(lifetimes, layout)).toBeUndefined();
        for (const [i, offset] of layout.offsets.entries()) {
          expect(offset % ALIGNMENT).toBe(0);
          expect(offset + lifetimes[i]!.bytes).toBeLessThanOrEqual(layout.bytes);
        }
        expect(layout.bytes).toBeGreaterThanOrEqual(lowerBound(lifetimes));
        expect(layoutArena(lifetimes)).toEqual(layout);
      }),
      { numRuns: 2000 },
    );
  });

  it("has as its lower bound the most that is alive at once", () => {
    fc.assert(
      fc.property(fc.array(lifetime, { minLength: 1 }), (lifetimes) => {
        expect(lowerBound(lifetimes)).toBe(naiveBound(lifetimes));
      }),
    );
  });

  it("is empty without lifetimes", () => {
    expect(layoutArena([])).toEqual({ offsets: [], bytes: 0 });
  });

  it("reuses bytes of a chain", () => {
    const chain = Array.from({ length: 10 }, (_, i) => ({ bytes: 1000, first: i, last: i + 1 }));
    expect(layoutArena(chain).bytes).toBe(2 * 1008);
  });

  it("is close to its lower bound on random lifetimes", () => {
    const sets = fc.sample(fc.array(lifetime, { minLength: 5, maxLength: 60 }), { numRuns: 200, seed: 3 });
    const ratios = sets.map((lifetimes) => layoutArena(lifetimes).bytes / lowerBound(lifetimes));
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeLessThan(1.05);
  });
});
