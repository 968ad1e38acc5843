// `lanewise convert`: an ONNX or TFLite file becomes a compact one.
import path from "node:path";
import type { Command } from "commander";
import { convert } from "../convert/index.ts";
import { LanewiseError } from "../errors.ts";
import { readCompact } from "../format/read.ts";
import { sniffFormat } from "../format/sniff.ts";
import { readFile, writeFile } from "./files.ts";
import { formatBytes, formatMs, formatShare } from "./text.ts";

export function addConvert(program: Command): void {
  program
    .command("convert")
    .description("turn an ONNX or TFLite model into a compact file")
    .argument("<in>", ".onnx or .tflite file")
    .option("-o, --out <FILE>", "where to write (beside the source, with .safetensors)")
    .action(convertFile);
}

async function convertFile(source: string, { out = withExtension(source) }: { out?: string }): Promise<void> {
  const bytes = await readFile(source);
  const format = sniffFormat(bytes);
  if (format === "compact") throw new LanewiseError("input", `${source} is a compact file already`);
  const start = performance.now();
  const compact = await convert(bytes);
  const ms = performance.now() - start;
  await writeFile(out, compact);
  const { nodes } = readCompact(compact);
  const sizes = `${formatBytes(bytes.length)} ${format} → ${formatBytes(compact.length)} (${formatShare(compact.length / bytes.length)})`;
  console.log(`${out}: ${sizes}, ${nodes.length} nodes, ${formatMs(ms)}`);
}

const withExtension = (file: string): string => path.format({ ...path.parse(file), base: "", ext: ".safetensors" });
