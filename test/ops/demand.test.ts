import { expect, test } from "vitest";
import { familyOf, operatorsFor } from "../../src/ops/demand.ts";
import { FAMILIES } from "../../src/ops/index.ts";
import { graphOf } from "../support/run-op.ts";

test("every operator is brought in by its own name", () => {
  const wrong = Object.entries(FAMILIES).flatMap(([family, { OPS }]) =>
    OPS.filter((op) => familyOf(op.name) !== family).map((op) => op.name),
  );
  expect(wrong).toEqual([]);
});

test("a graph brings in its families, and int8 only where values are quantized", async () => {
  const floats = await operatorsFor(graphOf("conv2d", {}, []));
  expect(Object.keys(floats.ops).sort()).toEqual(["attention", "conv2d", "conv_chain", "conv_transpose2d", "matmul"]);
  expect(floats.quantized).toBeUndefined();
  const quant = { scale: [1], zeroPoint: [0] };
  const bytes = await operatorsFor(graphOf("conv2d", {}, [{ dataType: "int8", shape: [1], data: [0], quant }]));
  expect(bytes.quantized).toBeDefined();
});

test("nested graphs count", async () => {
  const { ops } = await operatorsFor(graphOf("abs", { body: graphOf("gather", {}, []) }, []));
  expect(ops.gather).toBeDefined();
});
