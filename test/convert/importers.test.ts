// Every operator of the engine can be reached: an ONNX or a TFLite importer makes it, or a pass does.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ALL_OPS } from "../../src/ops/index.ts";

/** All TypeScript below a folder of src. */
function sourcesOf(folder: string): string {
  const root = path.join(import.meta.dirname, "../../src", folder);
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return files.map((file) => readFileSync(path.join(root, file), "utf8")).join("\n");
}

/** Operators that passes or the planner alone make. */
const MADE_BY_PASSES: readonly string[] = ["conv_chain", "attention"];

test("every operator has an importer", () => {
  const sources = sourcesOf("convert");
  const unreachable = Object.values(ALL_OPS).filter((op) => op && !op.onnx && !op.tflite && !sources.includes(`"${op.name}"`));
  expect(unreachable.map((op) => op!.name)).toEqual(MADE_BY_PASSES);
});
