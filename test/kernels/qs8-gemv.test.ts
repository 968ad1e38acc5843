import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convShapeWords, matrixGeometry, packPanels, panelsBytesOf, scratchBytesOf } from "../../src/ops/quantized/conv-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8 } from "../support/quantized.ts";

const caseOf = fc.record({
  k: fc.constantFrom(1, 3, 4, 5, 7, 8, 12, 15, 17, 31, 33, 64, 100),
  n: fc.constantFrom(1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33),
  kind: fc.constantFrom("int8" as const, "int32" as const, "float32" as const),
  xZero: fc.integer({ min: -128, max: 127 }),
  yZero: fc.integer({ min: -128, max: 127 }),
  split: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer(),
});
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

/** The matrix kernel is held to the naive product by its own test; here one row must equal it. */
function check(bench: KernelBench, c: Case): void {
  bench.reset();
  const next = random(c.seed);
  const g = matrixGeometry(1, c.k, c.n);
  const x = bench.put(randomInt8(next, c.k)),
    weight = randomInt8(next, c.n * c.k);
  const bias = Int32Array.from({ length: c.n }, () => Math.floor(next() * 2001) - 1000);
  const scales = Float32Array.from({ length: c.n }, () => 0.001 * (0.5 + next()));
  const row = bench.put(new Int32Array([0, c.xZero]));
  bench.f32(row, 1)[0] = 0.37;
  const panels = bench.alloc(panelsBytesOf(g, c.kind, 1));
  const { buffer } = bench.memory;
  const views = {
    f32: new Float32Array(buffer, panels),
    i32: new Int32Array(buffer, panels),
    i16: new Int16Array(buffer, panels),
    i8: new Int8Array(buffer, panels),
  };
  packPanels(views, g, c.kind, 1, { weight, zeros: [0], bias, scales });
  const [lo, hi] = c.kind === "float32" ? [-3, 4] : [-100, 120];
  const table = bench.put(convShapeWords(g, { kind: c.kind, ldy: c.n, xZero: c.xZero, yZero: c.yZero, lo, hi, rowScaleStep: 8 }, 1));
  const outputs = [0, 1].map(() => bench.put(c.kind === "int8" ? new Int8Array(c.n) : new Int32Array(c.n)));
  const count = Math.ceil(c.n / 8),
    middle = Math.floor(c.split * count);
  bench.kernels.qs8_gemv(outputs[0]!, x, panels, row, table, 0, middle);
  bench.kernels.qs8_gemv(outputs[0]!, x, panels, row, table, middle, count);
  bench.kernels.qs8_conv_4x8_small(outputs[1]!, x, panels, row, bench.alloc(scratchBytesOf(g)), table, 0, 1);
  const bytes = c.kind === "int8" ? c.n : c.n * 4;
  expect(Array.from(bench.u8(outputs[0]!, bytes))).toEqual(Array.from(bench.u8(outputs[1]!, bytes)));
  bench.checkGuards();
}

describe.each(TIERS)("int8 matrix times one row, %s", (tier) => {
  const bench = new KernelBench(tier, 1 << 20);

  it("equals the matrix product, however it is split", () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, c)),
      { numRuns: 300 },
    );
  });
});
