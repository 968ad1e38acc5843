// The whole public surface of the runtime.
export { type ErrorCode, LanewiseError } from "./errors.ts";
export type { DataType, TypedArray } from "./graph/types.ts";
export type { PlanDescription, StepDescription } from "./plan/describe.ts";
export type { ArenaBlock } from "./plan/plan.ts";
export { type Capabilities, capabilities, type Tier, type WasmOption, type WasmSource } from "./runtime/kernels.ts";
export { type LoadOptions, load } from "./runtime/load.ts";
export type { Model } from "./runtime/model.ts";
export type { RunOptions, TensorInfo } from "./runtime/model-options.ts";
export type { Profile, ProfileRow } from "./runtime/profile.ts";
export type { ModelSource, SourceOptions } from "./runtime/source.ts";
export { Tensor, type TensorData } from "./runtime/tensor.ts";
export type { Tuning } from "./runtime/tuning.ts";
