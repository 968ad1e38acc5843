// Steps bound to an instance: each becomes a function without arguments, so that a run is one loop.
import { LanewiseError } from "../errors.ts";
import { sizeOf, viewOf } from "../graph/types.ts";
import { AttributeReader, atNode, type HostTensor } from "../ops/define.ts";
import { required } from "../plan/infer.ts";
import type { HostStep, PlacedTensor, Step } from "../plan/plan.ts";
import type { KernelExports } from "./kernel-exports.d.ts";

export type Call = () => void;
type Kernel = (...args: readonly number[]) => number | void;

/** A view of a tensor's elements in wasm memory. */
export function tensorAt(placed: PlacedTensor, buffer: ArrayBufferLike): HostTensor {
  const { dataType, shape } = placed;
  return { dataType, shape, data: viewOf(dataType, buffer, placed.address, sizeOf(shape)) };
}

/** Binds a step to kernels and to the buffer as it is now; growing the memory makes host calls stale. */
export function bindStep(step: Step, kernels: KernelExports, buffer: ArrayBufferLike): Call {
  if (!step.kernel) return bindHost(step.host!, buffer);
  const kernel = kernels[step.kernel] as Kernel;
  if (!step.host) return bindKernel(kernel, step.args);
  const [run, explain] = [bindKernel(kernel, step.args), bindHost(step.host, buffer)];
  return () => {
    if (run()) explain();
  };
}

/** A spread call costs more than a small kernel does, so the common argument counts are spelled out. */
function bindKernel(kernel: Kernel, args: readonly number[]): () => number | void {
  const [a, b, c, d, e, f, g, h, i, j, k, l, m] = args as number[] & { length: 13 };
  switch (args.length) {
    case 4:
      return () => kernel(a!, b!, c!, d!);
    case 5:
      return () => kernel(a!, b!, c!, d!, e!);
    case 6:
      return () => kernel(a!, b!, c!, d!, e!, f!);
    case 7:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!);
    case 8:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!, h!);
    case 9:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!);
    case 10:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!);
    case 11:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!, k!);
    case 12:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!, k!, l!);
    case 13:
      return () => kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!, k!, l!, m!);
    default:
      return () => kernel(...args);
  }
}

function bindHost({ op, node, inputs, outputs }: HostStep, buffer: ArrayBufferLike): Call {
  const views = (tensors: HostStep["inputs"]) => tensors.map((tensor) => tensor && tensorAt(tensor, buffer));
  const inputViews = views(inputs);
  const context = {
    attributes: new AttributeReader(node.attributes),
    inputs: inputViews,
    outputs: views(outputs) as HostTensor[],
    inputQuants: node.inputs.map((value) => value?.quant),
    outputQuants: node.outputs.map((value) => value?.quant),
    input: (index: number) => required(inputViews[index], index),
  };
  return () => {
    atNode(node, inputs, () => op.host!(context));
  };
}

/** Throws the error of an aborted signal. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new LanewiseError("aborted", "the caller's signal was aborted", { cause: signal.reason });
}
