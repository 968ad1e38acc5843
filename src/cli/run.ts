// `lanewise run`: files in, one run, .npy files or a summary out.
import path from "node:path";
import type { Command } from "commander";
import { fromFloat16Bits } from "../graph/float16.ts";
import type { Tensor } from "../index.ts";
import { makeFolder, writeFile } from "./files.ts";
import { readInputs } from "./inputs.ts";
import { type ModelOptions, openModel, shapesFor, withInputOptions, withModelOptions } from "./model-options.ts";
import { writeNpy } from "./npy.ts";
import { fileName, formatMs } from "./text.ts";

interface RunOptions extends ModelOptions {
  readonly out?: string;
}

/** Outputs with up to this many elements are printed whole as JSON. */
const MAX_JSON_ELEMENTS = 10_000;

export function addRun(program: Command): void {
  const command = program
    .command("run")
    .description("run a model on files")
    .argument("<model>", "compact, ONNX or TFLite file, or its URL")
    .option("--out <DIR>", "write each output to DIR/NAME.npy");
  withModelOptions(withInputOptions(command)).action(runModel);
}

async function runModel(modelPath: string, options: RunOptions): Promise<void> {
  const model = await openModel(modelPath, options);
  const inputs = await readInputs(model, options.input, shapesFor(model, options), options);
  const start = performance.now();
  const outputs = await model.run(inputs);
  const ms = performance.now() - start;
  const files = options.out === undefined ? {} : await writeOutputs(outputs, options.out);
  if (options.json) console.log(JSON.stringify({ tier: model.tier, ms, outputs: outputsJson(outputs, files) }));
  else {
    for (const [name, tensor] of Object.entries(outputs)) console.log(`${name}: ${describeOutput(tensor, files[name])}`);
    console.log(`first run ${formatMs(ms)}, tier ${model.tier}`);
  }
}

async function writeOutputs(outputs: Readonly<Record<string, Tensor>>, directory: string): Promise<Record<string, string>> {
  await makeFolder(directory);
  const files: Record<string, string> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    const file = path.join(directory, `${fileName(name)}.npy`);
    await writeFile(file, writeNpy(tensor));
    files[name] = file;
  }
  return files;
}

function outputsJson(outputs: Readonly<Record<string, Tensor>>, files: Readonly<Record<string, string>>): object {
  const entries = Object.entries(outputs).map(([name, tensor]) => {
    const { dataType, shape } = tensor;
    const file = files[name];
    return [name, { dataType, shape, ...(file ? { file } : tensor.data.length <= MAX_JSON_ELEMENTS && { data: valuesOf(tensor) }) }];
  });
  return Object.fromEntries(entries);
}

/** Type, where it went, and the elements: all of a few, the largest of a vector of scores, the range of more. */
function describeOutput(tensor: Tensor, file: string | undefined): string {
  const type = `${tensor.dataType}[${tensor.shape}]`;
  if (file !== undefined) return `${type} → ${file}`;
  const values = valuesOf(tensor);
  if (values.length <= 8) return `${type} ${values.map(short).join(" ")}`;
  const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
  if (tensor.shape.filter((dim) => dim > 1).length <= 1) {
    return `${type} largest ${order
      .slice(0, 5)
      .map((i) => `#${i}: ${short(values[i]!)}`)
      .join("  ")}`;
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `${type} min ${short(values[order.at(-1)!]!)}  mean ${short(mean)}  max ${short(values[order[0]!]!)}`;
}

const short = (value: number): string => String(Number(value.toPrecision(5)));

function valuesOf({ dataType, data }: Tensor): number[] {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  return dataType === "float16" ? numbers.map(fromFloat16Bits) : numbers;
}
