// The converter's public surface: bytes of ONNX or TFLite models become the compact format.
import { readCompact } from "../format/read.ts";
import { sniffFormat } from "../format/sniff.ts";
import { writeCompact } from "../format/write.ts";
import type { Graph } from "../graph/types.ts";
import { optimizeGraph } from "../passes/index.ts";
import { importOnnx } from "./onnx/import.ts";
import { importTflite } from "./tflite/index.ts";

/**
 * Converts a model to the compact format, which loads without the converter.
 *
 * Throws `LanewiseError`: "format" for bytes that are no model or a broken one, "shape" for an inconsistent model,
 * "unsupported" with every node that the engine cannot run.
 */
export async function convert(bytes: Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  const source = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  return writeCompact(importModel(source), { maxBytes: source.byteLength });
}

/** Imports a model of any format as a graph that is ready to plan. Throws what `convert` throws. */
export function importModel(bytes: Uint8Array): Graph {
  const format = sniffFormat(bytes);
  if (format === "compact") return readCompact(bytes);
  return optimizeGraph(format === "onnx" ? importOnnx(bytes) : importTflite(bytes));
}
