import { describe, expect, test } from "vitest";
import { WeightStore } from "../../src/plan/weights.ts";
import { graphOf, modelOf } from "../support/run-op.ts";

const conv = () =>
  graphOf("conv2d", { padding: [1, 1, 1, 1] }, [
    { dataType: "float32", shape: [1, 56, 56, 64], data: [] },
    { dataType: "float32", shape: [64, 3, 3, 64], data: new Float32Array(64 * 9 * 64), constant: true },
  ]);

describe("packed weights", () => {
  test("Winograd's are told apart, and memory small does without them", () => {
    const fast = modelOf(conv(), "simd128", "fast").plan();
    expect(fast.transformedWeightBytes).toBeGreaterThanOrEqual(64 * 36 * 64 * 4);
    expect(fast.weightBytes).toBeGreaterThan(fast.transformedWeightBytes);
    const small = modelOf(conv(), "simd128", "small").plan();
    expect(small.transformedWeightBytes).toBe(0);
    expect(small.weightBytes).toBeLessThan(64 * 9 * 64 * 4 * 1.1);
  });

  test("Strassen's are told apart, and a matrix of equal weights does without them", () => {
    const product = (weights: Float32Array) =>
      graphOf("matmul", {}, [
        { dataType: "float32", shape: [240, 256], data: [] },
        { dataType: "float32", shape: [256, 256], data: weights, constant: true },
      ]);
    const planOf = (weights: Float32Array, memory: "fast" | "small") => modelOf(product(weights), "simd128", memory).plan();
    const mixed = Float32Array.from({ length: 256 * 256 }, (_, i) => i % 7);
    expect(planOf(mixed, "fast").transformedWeightBytes).toBeGreaterThanOrEqual(1.75 * mixed.byteLength);
    expect(planOf(mixed, "small").transformedWeightBytes).toBe(0);
    expect(planOf(new Float32Array(256 * 256).fill(1), "fast").transformedWeightBytes).toBe(0);
  });

  test("each packing is made once, and forgotten when a plan fails", () => {
    const store = new WeightStore();
    const owner = {};
    const block = store.reserve(owner, "winograd", 100, () => {});
    expect(store.reserve(owner, "winograd", 100, () => {})).toBe(block);
    expect([store.bytes, store.transformedBytes, store.pendingBytes]).toEqual([128, 128, 128]);
    store.rollback();
    expect([store.bytes, store.transformedBytes, store.pendingBytes]).toEqual([0, 0, 0]);
    expect(store.reserve(owner, "winograd", 100, () => {})).not.toBe(block);
  });
});
