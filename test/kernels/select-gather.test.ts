import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KernelBench, TIERS } from "../support/kernels.ts";

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, i) => (i * 37 + (i >> 8) * 11) & 255);

describe.each(TIERS)("gather and scatter, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);

  const cases = fc.record({
    outer: fc.integer({ min: 1, max: 3 }),
    sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
    count: fc.integer({ min: 1, max: 9 }),
    rowBytes: fc.constantFrom(1, 3, 4, 15, 16, 33),
    wide: fc.boolean(),
    seed: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 27, maxLength: 27 }),
  });

  /** Byte offset of a tuple, which is wrapped around where negative; undefined outside. */
  const offsetOf = (tuple: number[], sizes: number[], rowBytes: number): number | undefined => {
    if (tuple.some((index, d) => index < -sizes[d]! || index >= sizes[d]!)) return undefined;
    const row = tuple.reduce((at, index, d) => at * sizes[d]! + (index < 0 ? index + sizes[d]! : index), 0);
    return row * rowBytes;
  };

  const dimsOf = (sizes: number[], rowBytes: number) =>
    Int32Array.from(sizes.flatMap((size, d) => [size, sizes.slice(d + 1).reduce((a, b) => a * b, rowBytes)]));

  const putIndices = (indices: number[], wide: boolean) => bench.put(wide ? BigInt64Array.from(indices, BigInt) : Int32Array.from(indices));

  it("gathers rows at tuples", () => {
    fc.assert(
      fc.property(cases, ({ outer, sizes, count, rowBytes, wide, seed }) => {
        bench.reset();
        const tuple = sizes.length;
        const xBytes = sizes.reduce((a, b) => a * b, rowBytes);
        const indices = Array.from({ length: count * tuple }, (_, i) => seed[i % seed.length]!);
        const source = bytes(outer * xBytes);
        const expected = new Uint8Array(outer * count * rowBytes).fill(9);
        const refused = new Set<number>();
        for (let o = 0; o < outer; o++)
          for (let i = 0; i < count; i++) {
            const offset = offsetOf(indices.slice(i * tuple, (i + 1) * tuple), sizes, rowBytes);
            const from = o * xBytes + (offset ?? Number.NaN);
            if (offset === undefined) refused.add(o * count + i < (outer * count) >> 1 ? 0 : 1);
            else expected.set(source.subarray(from, from + rowBytes), (o * count + i) * rowBytes);
          }
        const y = bench.put(new Uint8Array(expected.length).fill(9));
        const dims = bench.put(dimsOf(sizes, rowBytes));
        const at = putIndices(indices, wide);
        const x = bench.put(source);
        const middle = (outer * count) >> 1;
        for (const [half, begin, end] of [
          [0, 0, middle],
          [1, middle, outer * count],
        ] as const) {
          const result = bench.kernels.x8_gather(y, x, at, wide ? 1 : 0, dims, tuple, count, rowBytes, xBytes, 0, begin, end);
          expect(result).toBe(refused.has(half) ? 1 : 0);
        }
        expect([...bench.u8(y, expected.length)]).toEqual([...expected]);
        bench.checkGuards();
      }),
    );
  });

  it("scatters rows to tuples, the last of equal ones winning", () => {
    fc.assert(
      fc.property(cases, ({ sizes, count, rowBytes, wide, seed }) => {
        bench.reset();
        const tuple = sizes.length;
        const indices = Array.from({ length: count * tuple }, (_, i) => seed[i % seed.length]!);
        const updates = bytes(count * rowBytes);
        const expected = new Uint8Array(sizes.reduce((a, b) => a * b, rowBytes)).fill(9);
        const offsets = Array.from({ length: count }, (_, i) => offsetOf(indices.slice(i * tuple, (i + 1) * tuple), sizes, rowBytes));
        for (const [i, offset] of offsets.entries())
          if (offset !== undefined) expected.set(updates.subarray(i * rowBytes, (i + 1) * rowBytes), offset);
        const y = bench.put(new Uint8Array(expected.length).fill(9));
        const result = bench.kernels.x8_scatter(
          y,
          bench.put(updates),
          putIndices(indices, wide),
          wide ? 1 : 0,
          bench.put(dimsOf(sizes, rowBytes)),
          tuple,
          count,
          rowBytes,
        );
        expect(result).toBe(offsets.includes(undefined) ? 1 : 0);
        expect([...bench.u8(y, expected.length)]).toEqual([...expected]);
        bench.checkGuards();
      }),
    );
  });
});

describe.each(TIERS)("select, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);
  const broadcast = fc.record({ row: fc.boolean(), step: fc.boolean() });

  it.each([1, 4])("chooses elements of %i bytes by broadcast strides", (elementBytes) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(1, 3, 4, 7, 17),
        broadcast,
        broadcast,
        broadcast,
        (rows, cols, c, a, b) => {
          bench.reset();
          const condition = bytes(rows * cols).map((v) => v & 1);
          const left = bytes(rows * cols * elementBytes);
          const right = left.map((v) => v ^ 0x55);
          const at = (s: { row: boolean; step: boolean }, row: number, col: number) => (s.row ? row * cols : 0) + (s.step ? col : 0);
          const expected = new Uint8Array(rows * cols * elementBytes);
          for (let row = 0; row < rows; row++)
            for (let col = 0; col < cols; col++) {
              const [source, index] = condition[at(c, row, col)] ? [left, at(a, row, col)] : [right, at(b, row, col)];
              expected.set(source.subarray(index * elementBytes, (index + 1) * elementBytes), (row * cols + col) * elementBytes);
            }
          const stride = (s: { row: boolean }, size: number) => (s.row ? cols * size : 0);
          const table = bench.put(Int32Array.of(rows, stride(c, 1), stride(a, elementBytes), stride(b, elementBytes)));
          const y = bench.alloc(expected.length);
          const step = (s: { step: boolean }, size: number) => (s.step ? size : 0);
          const kernel = elementBytes === 4 ? bench.kernels.x32_select : bench.kernels.x8_select;
          kernel(
            y,
            bench.put(condition),
            bench.put(left),
            bench.put(right),
            table,
            1,
            cols,
            step(c, 1),
            step(a, elementBytes),
            step(b, elementBytes),
            0,
            rows,
          );
          expect([...bench.u8(y, expected.length)]).toEqual([...expected]);
          bench.checkGuards();
        },
      ),
    );
  });
});
