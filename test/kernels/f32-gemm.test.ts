import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnaryCode } from "../../src/ops/codes.ts";
import { PANEL, packPanels, panelFloats } from "../../src/ops/pack-f32.ts";
import { expectClose, naiveProduct, putEpilogue, putWords, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

const rows = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 31, 33);
const columns = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40);
const depths = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64);

const packed = (b: Float32Array, bias: Float32Array | undefined, n: number, k: number): Float32Array => {
  const panels = new Float32Array(panelFloats(n, k));
  packPanels(panels, 0, { data: b, n, k, rowStride: n, colStride: 1 }, bias);
  return panels;
};

describe.each(TIERS)("f32 products, %s", (tier) => {
  const bench = new KernelBench(tier, 16 << 20);

  test("gemm and gemv agree with the naive product, whatever the split, and write their columns only", () => {
    fc.assert(
      fc.property(rows, columns, depths, fc.nat(3), fc.nat(2), fc.boolean(), fc.nat(40), (m, n, k, moreY, moreA, withResidual, cut) => {
        bench.reset();
        const [ldy, lda] = [n + moreY, k + moreA];
        const a = randomFloats(m * lda, m);
        const b = randomFloats(k * n, n);
        const bias = randomFloats(n, k);
        const residual = randomFloats(m * n, 7);
        const dense = Float32Array.from({ length: m * k }, (_, i) => a[Math.floor(i / k) * lda + (i % k)]!);
        const expected = naiveProduct(dense, b, bias, m, n, k).map((sum, i) =>
          Math.min(Math.max(sum + (withResidual ? residual[i]! : 0), -1), 2),
        );
        const epilogue = putEpilogue(bench, { lo: -1, hi: 2 });
        const [pa, pb, pr] = [bench.put(a), bench.put(packed(b, bias, n, k)), withResidual ? bench.put(residual) : 0];

        const check = (call: (y: number) => void) => {
          const y = bench.alloc(((m - 1) * ldy + n) * 4);
          bench.f32(y, (m - 1) * ldy + n).fill(77);
          call(y);
          bench.checkGuards();
          const got = bench.f32(y, (m - 1) * ldy + n);
          expectClose(
            Float32Array.from({ length: m * n }, (_, i) => got[Math.floor(i / n) * ldy + (i % n)]!),
            expected,
          );
          for (let i = 0; i < got.length; i++) if (i % ldy >= n) expect(got[i]).toBe(77);
          return got.slice();
        };
        const { f32_gemm, f32_gemv } = bench.kernels;
        const whole = check((y) => f32_gemm(y, pa, pb, pr, epilogue, n, k, ldy, lda, n, 0, m));
        const row = cut % (m + 1);
        const split = check((y) => {
          f32_gemm(y, pa, pb, pr, epilogue, n, k, ldy, lda, n, row, m);
          f32_gemm(y, pa, pb, pr, epilogue, n, k, ldy, lda, n, 0, row);
        });
        expect(split).toEqual(whole);
        const panels = Math.ceil(n / PANEL);
        const panel = cut % (panels + 1);
        const byPanels = check((y) => {
          f32_gemv(y, pa, pb, pr, epilogue, m, n, k, ldy, lda, n, 0, panel);
          f32_gemv(y, pa, pb, pr, epilogue, m, n, k, ldy, lda, n, panel, panels);
        });
        expect(byPanels).toEqual(whole);
      }),
      { numRuns: 120 },
    );
  });

  test("a residual may be the destination", () => {
    const [m, n, k] = [13, 11, 9];
    bench.reset();
    const [a, b, old] = [randomFloats(m * k, 1), randomFloats(k * n, 2), randomFloats(m * n, 3)];
    const y = bench.put(old);
    bench.kernels.f32_gemm(y, bench.put(a), bench.put(packed(b, undefined, n, k)), y, putEpilogue(bench), n, k, n, k, n, 0, m);
    expectClose(
      bench.f32(y, m * n),
      naiveProduct(a, b, undefined, m, n, k).map((sum, i) => sum + old[i]!),
    );
  });

  test("the clamp of the epilogue follows the activation", () => {
    const [m, n, k] = [7, 10, 5];
    bench.reset();
    const [a, b] = [randomFloats(m * k, 1), randomFloats(k * n, 2)];
    const epilogue = putEpilogue(bench, { lo: -0.1, activation: UnaryCode.leakyRelu, p0: 0.25 });
    const expected = naiveProduct(a, b, undefined, m, n, k).map((sum) => Math.max(sum < 0 ? 0.25 * sum : sum, -0.1));
    const y = bench.alloc(m * n * 4);
    const [pa, pb] = [bench.put(a), bench.put(packed(b, undefined, n, k))];
    bench.kernels.f32_gemm(y, pa, pb, 0, epilogue, n, k, n, k, 0, 0, m);
    expectClose(bench.f32(y, m * n), expected);
    bench.kernels.f32_gemv(y, pa, pb, 0, epilogue, m, n, k, n, k, 0, 0, 1);
    bench.kernels.f32_gemv(y, pa, pb, 0, epilogue, m, n, k, n, k, 0, 1, 2);
    expectClose(bench.f32(y, m * n), expected);
  });

  test("matmul packs B of any strides on the way, over two batch dimensions", () => {
    fc.assert(
      fc.property(
        rows,
        columns,
        depths,
        fc.boolean(),
        fc.constantFrom(1, 2, 3),
        fc.constantFrom(1, 2),
        fc.boolean(),
        (m, n, k, transposed, outer, inner, shared) => {
          bench.reset();
          const a = randomFloats(outer * inner * m * k, m);
          const b = randomFloats((shared ? 1 : outer * inner) * n * k, n);
          const bias = randomFloats(n, 9);
          const shape = putWords(bench, {
            m,
            n,
            k,
            ldy: n,
            lda: k,
            rowStride: transposed ? 1 : n,
            colStride: transposed ? k : 1,
            scale: new Int32Array(new Float32Array([0.5]).buffer)[0]!,
            inner,
            yOuter: inner * m * n,
            aOuter: inner * m * k,
            bOuter: shared ? 0 : inner * n * k,
            yInner: m * n,
            aInner: m * k,
            bInner: shared ? 0 : n * k,
            ldr: n,
            rOuter: inner * m * n,
            rInner: m * n,
          });
          const residual = randomFloats(outer * inner * m * n, 10);
          const y = bench.alloc(outer * inner * m * n * 4);
          bench.kernels.f32_matmul(
            y,
            bench.put(a),
            bench.put(b),
            bench.put(bias),
            bench.put(residual),
            putEpilogue(bench),
            shape,
            bench.alloc(panelFloats(n, k) * 4),
            0,
            outer * inner,
          );
          bench.checkGuards();
          for (let item = 0; item < outer * inner; item++) {
            const from = shared ? 0 : item * n * k;
            const dense = Float32Array.from({ length: n * k }, (_, i) => {
              const [row, col] = [Math.floor(i / n), i % n];
              return 0.5 * b[from + (transposed ? col * k + row : i)]!;
            });
            const product = naiveProduct(a.subarray(item * m * k, (item + 1) * m * k), dense, bias, m, n, k);
            const expected = product.map((sum, i) => sum + residual[item * m * n + i]!);
            expectClose(bench.f32(y + item * m * n * 4, m * n), expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
