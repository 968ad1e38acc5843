// What a model is made with, what a run takes, and what a model says of its inputs and outputs.
import type { DataType } from "../graph/types.ts";
import type { QuantizedLowerings } from "../ops/quantized/lowerings.ts";
import type { OpTable } from "../plan/infer.ts";
import type { Tier } from "./kernels.ts";
import type { Tuning } from "./tuning.ts";

/** What a model takes or gives under a name. A dimension of null is decided by each run. */
export interface TensorInfo {
  /** The source model's own data type. */
  readonly dataType: DataType;
  /** Dimensions in the source model's order. */
  readonly shape: readonly (number | null)[];
}

/** What `Model.run` takes besides inputs. */
export interface RunOptions {
  /** Stops the run between two steps; the promise rejects with code "aborted". */
  readonly signal?: AbortSignal;
  /** Names of the outputs to return; absent: all. */
  readonly outputs?: readonly string[];
}

export interface ModelSettings {
  readonly tier: Tier;
  readonly memory: "fast" | "small";
  readonly ops: OpTable;
  readonly quantized?: QuantizedLowerings | undefined;
  /** Kernels to take where they can compute a layer of that shape. */
  readonly tuning?: Tuning | undefined;
  /** The model may let go of the graph's constants once they are packed. */
  readonly ownsGraph?: boolean;
}
