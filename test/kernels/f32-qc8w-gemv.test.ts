import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matrixGeometry, packPanels, panelBytesOf, panelsBytesOf } from "../../src/ops/quantized/conv-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8 } from "../support/quantized.ts";

const caseOf = fc.record({
  m: fc.integer({ min: 1, max: 3 }),
  k: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 31, 64, 511, 512, 513, 1100),
  n: fc.constantFrom(1, 3, 4, 5, 8, 9, 16, 31),
  kind: fc.constantFrom("any", "greatest", "tiny", "infinite", "NaN", "zero"),
  hasResidual: fc.boolean(),
  split: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer(),
});
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

/** Rows of a kind; one of several stays an ordinary row. */
function rowsOf({ m, k, kind }: Case, next: () => number): Float32Array {
  const rows = Float32Array.from({ length: m * k }, () => (next() - 0.5) * 10 ** Math.floor(next() * 8 - 5));
  const special = rows.subarray(0, k);
  if (kind === "greatest") special.fill(3.5);
  if (kind === "tiny") for (let i = 0; i < k; i++) special[i]! *= 1e-30;
  if (kind === "zero") special.fill(0);
  if (kind === "infinite") special[k >> 1] = Infinity;
  if (kind === "NaN") special[k >> 1] = NaN;
  return rows;
}

function check(bench: KernelBench, c: Case): void {
  bench.reset();
  const next = random(c.seed);
  const { m, k, n } = c;
  const g = matrixGeometry(1, k, n);
  const rows = rowsOf(c, next);
  const weight = c.kind === "greatest" ? new Int8Array(n * k).fill(-128) : randomInt8(next, n * k);
  const bias = Float32Array.from({ length: n }, () => next() - 0.5);
  const scales = Float32Array.from({ length: n }, () => 0.01 * (0.5 + next()));
  const residual = Float32Array.from({ length: m * n }, () => next());
  const [x, r] = [bench.put(rows), c.hasResidual ? bench.put(residual) : 0];
  const panels = bench.alloc(panelsBytesOf(g, "float32", 1));
  const { buffer } = bench.memory;
  const views = {
    f32: new Float32Array(buffer, panels),
    i32: new Int32Array(buffer, panels),
    i16: new Int16Array(buffer, panels),
    i8: new Int8Array(buffer, panels),
  };
  packPanels(views, g, "float32", 1, { weight, zeros: [0], bias, scales });
  const epilogue = bench.put(new Float32Array([-Infinity, Infinity, 0, 0, 0]));
  const y = bench.put(new Float32Array(m * n));
  const scratch = bench.alloc(m * (16 + Math.ceil(k / 4) * 16));
  const count = Math.ceil(n / 8),
    middle = Math.floor(c.split * count);
  for (const [begin, end] of [[0, middle] as const, [middle, count] as const])
    bench.kernels.f32_qc8w_gemv(y, x, panels, r, epilogue, scratch, m, n, k, n, k, n, panelBytesOf(g, "float32", 1), begin, end);
  const actual = bench.f32(y, m * n);
  for (let i = 0; i < m * n; i++) {
    const [row, col] = [Math.floor(i / n), i % n];
    let [sum, most] = [0, 0];
    for (let p = 0; p < k; p++) {
      sum += rows[row * k + p]! * weight[col * k + p]!;
      most = Math.max(most, Math.abs(rows[row * k + p]!));
    }
    const expected = sum * scales[col]! + bias[col]! + (c.hasResidual ? residual[i]! : 0);
    if (Number.isFinite(sum)) expect(Math.abs(actual[i]! - expected)).toBeLessThanOrEqual(4e-7 * (most * k * scales[col]! * 128 + 2));
    else expect(actual[i]).toBe(expected);
  }
  bench.checkGuards();
}

describe.each(TIERS)("float32 rows times int8 weights, %s", (tier) => {
  const bench = new KernelBench(tier, 1 << 20);

  it("is as near to the real sums as float32 sums are", () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, c)),
      { numRuns: 400 },
    );
  });
});
