// A plan as plain data, for `Model.plan`, `inspect --plan` and pictures of the arena.
import { printNode } from "../graph/print.ts";
import type { ArenaBlock, Plan } from "./plan.ts";
import type { WeightStore } from "./weights.ts";

/** One step of a plan. */
export interface StepDescription {
  /** Name of the node in the source model. */
  readonly node: string;
  /** The operator's name in the engine, such as "conv2d". */
  readonly op: string;
  /** Kernel, or "host" for a step in TypeScript. */
  readonly kernel: string;
  /** Multiplications and additions, each counting as one; 0 for steps that only move data. */
  readonly flops: number;
  /** Where the node's outputs lie, in bytes from the arena's start. */
  readonly outputOffsets: readonly number[];
}

/** What a run will do and need. Bytes count wasm memory. */
export interface PlanDescription {
  /** In the order in which they run. */
  readonly steps: readonly StepDescription[];
  /** One line per node, with types. */
  readonly nodes: readonly string[];
  /** Room for all tensors and scratch between inputs and outputs. */
  readonly arenaBytes: number;
  /** The largest sum of live bytes over the steps: no arena can be smaller. */
  readonly arenaLowerBound: number;
  /** Packed weights and tables. */
  readonly weightBytes: number;
  /** The part of them that holds weights transformed for Winograd's and Strassen's algorithms; memory "small" does without it. */
  readonly transformedWeightBytes: number;
  /** Every tensor of the arena: bytes, offset, first and last node that needs it. */
  readonly lifetimes: readonly ArenaBlock[];
  /** True when shapes depend on data from some operator on: the rest is planned during the run. */
  readonly partial: boolean;
}

/** Describes a plan and the weights that it was made with. */
export function describePlan(plan: Plan, weights: WeightStore): PlanDescription {
  return {
    steps: plan.steps.map(({ kernel, index, cost }) => {
      const node = plan.nodes[index]!;
      const outputOffsets = node.outputs.flatMap((value) => (value && plan.offsets.get(value)) ?? []);
      return { node: node.name, op: node.op, kernel: kernel ?? "host", flops: cost.flops ?? 0, outputOffsets };
    }),
    nodes: plan.nodes.map((node) => printNode(withTypes(node, plan))),
    arenaBytes: plan.arenaBytes,
    arenaLowerBound: plan.arenaLowerBound,
    weightBytes: weights.bytes,
    transformedWeightBytes: weights.transformedBytes,
    lifetimes: plan.arena,
    partial: plan.continuation !== undefined,
  };
}

const withTypes = (node: Plan["nodes"][number], { typing }: Plan): Plan["nodes"][number] => ({
  ...node,
  outputs: node.outputs.map((value) => value && { ...value, type: typing.type(value) }),
});
