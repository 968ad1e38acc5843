import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matrixGeometry, packPanels, pairsOf, panelsBytesOf } from "../../src/ops/quantized/conv-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8 } from "../support/quantized.ts";

const caseOf = fc.record({
  n: fc.integer({ min: 1, max: 40 }),
  k: fc.integer({ min: 1, max: 40 }),
  zero: fc.constantFrom(0, 5, -128, 127),
  cut: fc.nat(),
  seed: fc.integer(),
});

describe.each(TIERS)("qs8_pack_panels, %s", (tier) => {
  const bench = new KernelBench(tier, 1 << 20);

  it("packs a computed matrix as a constant one is packed, whatever the split", () => {
    fc.assert(
      fc.property(caseOf, ({ n, k, zero, cut, seed }) => {
        bench.reset();
        const g = matrixGeometry(4, k, n);
        const [b, bytes, panels] = [randomInt8(random(seed), k * n), panelsBytesOf(g, "int8", 2), Math.ceil(n / 8)];
        const buffer = new ArrayBuffer(bytes);
        const views = {
          ...{ f32: new Float32Array(buffer), i32: new Int32Array(buffer) },
          ...{ i16: new Int16Array(buffer), i8: new Int8Array(buffer) },
        };
        const weight = Int8Array.from({ length: n * k }, (_, i) => b[(i % k) * n + Math.floor(i / k)]!);
        packPanels(views, g, "int8", 2, { weight, zeros: [zero], bias: undefined, scales: [0.125] });
        const [from, to] = [bench.put(b), bench.alloc(bytes)];
        const at = cut % (panels + 1);
        for (const [begin, end] of [
          [at, panels],
          [0, at],
        ] as const)
          bench.kernels.qs8_pack_panels(to, from, n, k, pairsOf(g), zero, 0.125, begin, end);
        bench.checkGuards();
        // Columns past the last one hold any numbers.
        const words = (bytes - 64 * panels) / 4 / panels;
        const packed = new Int32Array(bench.memory.buffer, to, bytes / 4);
        for (let panel = 0; panel < panels; panel++) {
          const head = panel * (16 + words);
          expect(packed.slice(head, head + 8)).toEqual(new Int32Array(8));
          const lanes = Math.min(8, n - panel * 8);
          for (let i = 8; i < 16 + words; i++)
            if (i % 8 < lanes) expect(packed[head + i], `panel ${panel}, word ${i}`).toBe(views.i32[head + i]);
        }
      }),
    );
  });
});
