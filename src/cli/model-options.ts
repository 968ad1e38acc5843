// Flags that several commands share, and the model that they describe.
import { type Command, InvalidArgumentError, Option } from "commander";
import { load, type Model, type Tensor, type Tier } from "../index.ts";
import type { ImageOptions } from "./image.ts";
import { madeUpInputs, readInputs, readShapes, type Shapes } from "./inputs.ts";
import { Progress } from "./progress.ts";

export interface ModelOptions extends ImageOptions {
  readonly tier?: Tier;
  readonly memory?: "fast" | "small";
  readonly input: readonly string[];
  readonly shape: readonly string[];
  readonly json?: boolean;
}

const collect = (value: string, list: readonly string[]): string[] => [...list, value];

const numbers = (text: string): number[] => {
  const list = text.split(",").map(Number);
  if (text.trim() === "" || list.some(Number.isNaN)) throw new InvalidArgumentError("It must be numbers with commas between them.");
  return list;
};

/** A number above zero. */
export const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
};

/** Adds --tier, --memory, --shape and --json. */
export const withModelOptions = (command: Command): Command =>
  command
    .addOption(new Option("--tier <tier>", "kernels to use instead of the fastest that run here").choices(["simd128", "relaxed"]))
    .addOption(new Option("--memory <how>", "small: no packed weights that grow").choices(["fast", "small"]))
    .option("--shape <NAME=DIMS>", "shape of an input that leaves dimensions open, such as 1,3,224,224", collect, [])
    .option("--json", "print JSON");

/** Adds --input and how pictures become tensors. */
export const withInputOptions = (command: Command): Command =>
  command
    .option("--input <NAME=FILE>", "an input: .npy, PNG, JPEG or raw bytes", collect, [])
    .option("--scale <number>", "pictures: factor for a pixel of 0 to 255 (floats: 1/255)", (text) => numbers(text)[0]!)
    .option("--mean <numbers>", "pictures: taken off after scaling, one or one a channel", numbers)
    .option("--std <numbers>", "pictures: divided by after that", numbers)
    .addOption(new Option("--layout <layout>", "pictures: where the shape does not tell").choices(["nhwc", "nchw"]))
    .option("--bgr", "pictures: blue first");

/** Loads a model with progress. */
export async function openModel(path: string, { tier, memory }: Partial<ModelOptions>): Promise<Model> {
  const progress = new Progress("loading");
  try {
    return await load(path, {
      ...(tier && { tier }),
      ...(memory && { memory }),
      onProgress: ({ loaded, total }) => progress.update(loaded, total),
    });
  } finally {
    progress.stop();
  }
}

/** The shapes given for a model's inputs. */
export const shapesFor = (model: Model, options: Pick<ModelOptions, "shape">): Shapes =>
  readShapes(options.shape, Object.keys(model.inputs));

/** The same, and 1 for every dimension that is still open. */
export function closedShapes(model: Model, options: Pick<ModelOptions, "shape">): Shapes {
  const closed = Object.entries(model.inputs).map(([name, { shape }]) => [name, shape.map((dim) => dim ?? 1)]);
  return { ...Object.fromEntries(closed), ...shapesFor(model, options) };
}

/** The inputs given, and made-up ones for those that are not. */
export async function measuredInputs(model: Model, options: ModelOptions): Promise<Record<string, Tensor>> {
  const given = await readInputs(model, options.input, shapesFor(model, options), options);
  return { ...madeUpInputs(model, closedShapes(model, options)), ...given };
}
