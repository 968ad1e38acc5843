// Runs a model on zeros for a while, so that the engine has compiled its kernels, and optimized the hot ones, before
// the first run that somebody waits for. docs/performance.md has what it brings.
import { arrayClass, sizeOf } from "../graph/types.ts";
import { throwIfAborted } from "./calls.ts";
import type { Model } from "./model.ts";
import { Tensor } from "./tensor.ts";

const BUDGET_MS = 100;

/** The event loop gets a turn this often, in milliseconds. */
const SLICE_MS = 8;

/** Open dimensions, most often a batch, are taken for 1. A model that refuses these zeros ends it. */
export async function warmUp(model: Model, signal: AbortSignal | undefined): Promise<void> {
  const inputs: Record<string, Tensor> = {};
  for (const [name, { dataType, shape }] of Object.entries(model.inputs)) {
    const dims = shape.map((dim) => dim ?? 1);
    inputs[name] = new Tensor(dataType, dims, new (arrayClass(dataType))(sizeOf(dims)));
  }
  const timeout = AbortSignal.timeout(BUDGET_MS);
  for (let pause = performance.now() + SLICE_MS; !timeout.aborted; ) {
    try {
      await model.run(inputs, { signal: timeout, outputs: [] });
    } catch {
      return;
    }
    if (performance.now() < pause) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(signal);
    pause = performance.now() + SLICE_MS;
  }
}
