import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnaryCode } from "../../src/ops/codes.ts";
import { packPanels, panelFloats } from "../../src/ops/pack-f32.ts";
import { packStrassen, strassenBands, strassenFloats, strassenScratchBytes } from "../../src/ops/strassen-weights.ts";
import { naiveProduct, putEpilogue, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

const rows = fc.constantFrom(3, 4, 5, 12, 31, 49, 100, 199, 200, 201, 405);
const columns = fc.constantFrom(9, 10, 15, 16, 17, 24, 31, 33, 40, 64);
const depths = fc.constantFrom(8, 16, 24, 40, 64, 128);

/**
 * The bound for one step of Winograd's form on products with sums of k / 2 terms, over the largest of A times the largest of B
 * (Higham, Accuracy and Stability of Numerical Algorithms, theorem 23.3), and the additions of bias and residual.
 */
const errorBound = (k: number): number => 2 ** -24 * (18 * ((k / 2) ** 2 + 6 * (k / 2)) + 4);

/** Root of the mean square distance. */
const distance = (got: ArrayLike<number>, expected: Float64Array): number =>
  Math.sqrt(expected.reduce((sum, value, i) => sum + (got[i]! - value) ** 2, 0) / expected.length);

describe.each(TIERS)("f32_gemm_strassen, %s", (tier) => {
  const bench = new KernelBench(tier, 16 << 20);

  /** Random a[m, k] · b[k, n] + bias in memory, and what calling the kernel takes. */
  function product(m: number, n: number, k: number) {
    bench.reset();
    const [a, b, bias] = [randomFloats(m * k, m), randomFloats(k * n, n), randomFloats(n, k)];
    const [quarters, panels] = [new Float32Array(strassenFloats(n, k)), new Float32Array(panelFloats(n, k))];
    const matrix = { data: b, n, k, rowStride: n, colStride: 1 };
    packStrassen(quarters, matrix, bias);
    packPanels(panels, 0, matrix, bias);
    const scratch = bench.alloc(strassenScratchBytes(m, n, k));
    return { ...{ a, b, bias, scratch }, pa: bench.put(a), pw: bench.put(quarters), pb: bench.put(panels), bands: strassenBands(m) };
  }

  test("agrees with float64 within the bound, whatever the split", () => {
    fc.assert(
      fc.property(rows, columns, depths, fc.nat(3), fc.constantFrom("none", "apart", "in place"), fc.nat(), (m, n, k, more, added, cut) => {
        const { a, b, bias, scratch, pa, pw, bands } = product(m, n, k);
        const ldy = added === "in place" ? n : n + more;
        const residual = randomFloats(m * n, 7);
        const expected = naiveProduct(a, b, bias, m, n, k).map((sum, i) => Math.max(sum + (added === "none" ? 0 : residual[i]!), -1));
        const epilogue = putEpilogue(bench, { lo: -1 });
        const apart = added === "apart" ? bench.put(residual) : 0;
        const at = cut % (bands + 1);
        const call = (splits: readonly (readonly [number, number])[]): Float32Array => {
          const y = added === "in place" ? bench.put(residual) : bench.alloc(((m - 1) * ldy + n) * 4);
          if (added !== "in place") bench.f32(y, (m - 1) * ldy + n).fill(77);
          const r = added === "in place" ? y : apart;
          for (const split of splits) bench.kernels.f32_gemm_strassen(y, pa, pw, r, epilogue, scratch, m, n, k, ldy, k, n, bands, ...split);
          bench.checkGuards();
          return bench.f32(y, (m - 1) * ldy + n).slice();
        };
        const whole = call([[0, bands]]);
        const parts = call([
          [at, bands],
          [0, at],
        ]);
        expect(parts).toEqual(whole);
        expect(whole.every((value, i) => i % ldy < n || value === 77)).toBe(true);
        const got = Float32Array.from({ length: m * n }, (_, i) => whole[Math.floor(i / n) * ldy + (i % n)]!);
        const furthest = got.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
        expect(furthest).toBeLessThanOrEqual(errorBound(k));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    [405, 64, 128],
    [200, 256, 256],
    [201, 33, 1024],
  ])("is at most 4 times as far from float64 as the ordinary product: %i × %i, sums of %i", (m, n, k) => {
    const { a, b, bias, scratch, pa, pw, pb, bands } = product(m, n, k);
    const expected = naiveProduct(a, b, bias, m, n, k);
    const epilogue = putEpilogue(bench);
    const [y, ordinary] = [bench.alloc(m * n * 4), bench.alloc(m * n * 4)];
    bench.kernels.f32_gemm_strassen(y, pa, pw, 0, epilogue, scratch, m, n, k, n, k, 0, bands, 0, bands);
    bench.kernels.f32_gemm(ordinary, pa, pb, 0, epilogue, n, k, n, k, 0, 0, m);
    expect(distance(bench.f32(y, m * n), expected)).toBeLessThanOrEqual(4 * distance(bench.f32(ordinary, m * n), expected));
  });

  test("the clamp of the epilogue follows the activation", () => {
    const [m, n, k] = [51, 40, 16];
    const { a, b, bias, scratch, pa, pw, bands } = product(m, n, k);
    const epilogue = putEpilogue(bench, { lo: -0.1, activation: UnaryCode.leakyRelu, p0: 0.25 });
    const y = bench.alloc(m * n * 4);
    bench.kernels.f32_gemm_strassen(y, pa, pw, 0, epilogue, scratch, m, n, k, n, k, 0, bands, 0, bands);
    const expected = naiveProduct(a, b, bias, m, n, k).map((sum) => Math.max(sum < 0 ? 0.25 * sum : sum, -0.1));
    expect(distance(bench.f32(y, m * n), expected)).toBeLessThan(1e-6);
  });
});
