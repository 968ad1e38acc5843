import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ConvOutput,
  convShapeWords,
  matrixGeometry,
  packPanels,
  panelsBytesOf,
  scratchBytesOf,
} from "../../src/ops/quantized/conv-shape.ts";
import {
  type Levels,
  packStrassen,
  strassenBands,
  strassenBytes,
  strassenScratchBytes,
  strassenShapeWords,
} from "../../src/ops/quantized/strassen-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8 } from "../support/quantized.ts";

const caseOf = fc.record({
  rows: fc.constantFrom(1, 3, 4, 5, 8, 9, 12, 31, 49, 199, 200, 201, 405),
  levels: fc.constantFrom<Levels>(1, 2),
  k: fc.constantFrom(8, 16, 24, 40, 64),
  columns: fc.constantFrom(16, 32, 48),
  gap: fc.constantFrom(0, 3),
  xZero: fc.integer({ min: -128, max: 127 }),
  yZero: fc.integer({ min: -128, max: 127 }),
  wZero: fc.constantFrom(0, 0, 5, -128, 127),
  clamp: fc.tuple(fc.integer({ min: -128, max: 127 }), fc.integer({ min: -128, max: 127 })),
  scale: fc.constantFrom(1e-5, 0.0004, 0.0113, 0.5, 3),
  cut: fc.nat(),
  seed: fc.integer(),
});

describe.each(TIERS)("qs8_gemm_strassen, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);

  /** Views over all that follows `pointer`. */
  const viewsAt = (pointer: number) => {
    const { buffer } = bench.memory;
    return {
      ...{ f32: new Float32Array(buffer, pointer), i32: new Int32Array(buffer, pointer) },
      ...{ i16: new Int16Array(buffer, pointer), i8: new Int8Array(buffer, pointer) },
    };
  };

  test("equals the direct kernel bit for bit, however it is split", () => {
    fc.assert(
      fc.property(caseOf, ({ rows, levels, k: kOfOne, columns: columnsOfOne, gap, xZero, yZero, wZero, clamp, scale, cut, seed }) => {
        bench.reset();
        const [next, k, columns] = [random(seed), kOfOne * levels, columnsOfOne * levels];
        const g = matrixGeometry(rows, k, columns);
        const [lo, hi] = [Math.min(...clamp), Math.max(...clamp)];
        const output: ConvOutput = { kind: "int8", ldy: columns + gap, xZero, yZero, lo, hi, rowScaleStep: 0 };
        const weights = {
          weight: randomInt8(next, k * columns),
          zeros: [wZero],
          bias: Float64Array.from({ length: columns }, () => Math.floor(next() * 20001) - 10000),
          scales: Float32Array.from({ length: columns }, () => scale * (0.5 + next())),
        };
        const x = bench.put(randomInt8(next, rows * k));
        const [direct, quarters] = [bench.alloc(panelsBytesOf(g, "int8", 2)), bench.alloc(strassenBytes(g, levels))];
        packPanels(viewsAt(direct), g, "int8", 2, weights);
        packStrassen(viewsAt(quarters), g, weights, levels);
        const [expected, found] = [bench.put(new Int8Array(rows * output.ldy)), bench.put(new Int8Array(rows * output.ldy))];
        const { qs8_conv_4x8, qs8_gemm_strassen } = bench.kernels;
        qs8_conv_4x8(expected, x, direct, 0, bench.alloc(scratchBytesOf(g)), bench.put(convShapeWords(g, output, 2)), 0, rows);
        const [scratch, table] = [bench.alloc(strassenScratchBytes(g, levels)), bench.put(strassenShapeWords(g, output, levels))];
        const at = cut % (strassenBands(g) + 1);
        qs8_gemm_strassen(found, x, quarters, scratch, table, at, strassenBands(g));
        qs8_gemm_strassen(found, x, quarters, scratch, table, 0, at);
        bench.checkGuards();
        expect(Array.from(bench.i8(found, rows * output.ldy))).toEqual(Array.from(bench.i8(expected, rows * output.ldy)));
      }),
      { numRuns: 150 },
    );
  });
});
