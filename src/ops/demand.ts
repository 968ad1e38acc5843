// Brings in the operators that a model names, a family at a time, so that what it does not need is never fetched.
import type { Graph, Value } from "../graph/types.ts";
import type { OpTable } from "../plan/infer.ts";
import type { OpDef } from "./define.ts";
import type { FAMILIES } from "./index.ts";
import type { QuantizedLowerings } from "./quantized/lowerings.ts";

type Family = keyof typeof FAMILIES;

/** What plans are made with. */
export interface Operators {
  readonly ops: OpTable;
  readonly quantized: QuantizedLowerings | undefined;
}

const LOADERS: { readonly [F in Family]: () => Promise<{ readonly OPS: readonly OpDef[] }> } = {
  elementwise: () => import("./families/elementwise.ts"),
  indexing: () => import("./families/indexing.ts"),
  layout: () => import("./families/layout.ts"),
  matrix: () => import("./families/matrix.ts"),
  quantized: () => import("./families/quantized.ts"),
  rare: () => import("./families/rare.ts"),
  rows: () => import("./families/rows.ts"),
};

/** Operators of the families that are small in number; every other name is an elementwise operator, or unknown. */
const MEMBERS: { readonly [F in Exclude<Family, "elementwise">]: string } = {
  indexing:
    "gather gather_nd gather_elements scatter_nd scatter_elements fill range one_hot eye_like trilu cumsum reverse_sequence top_k non_zero compress unique non_max_suppression grid_sample roi_align",
  layout:
    "reshape squeeze unsqueeze flatten shape size transpose pad concat split slice strided_slice depth_to_space space_to_depth tile expand",
  matrix: "conv2d conv_chain conv_transpose2d matmul attention",
  quantized: "quantize dequantize requantize recenter quantize_linear dequantize_linear dynamic_quantize matmul_integer conv_integer",
  rare: "rnn gru lstm einsum lrn tree_ensemble max_pool_positions",
  rows: "softmax log_softmax layer_norm rms_norm group_norm reduce_sum reduce_mean reduce_max reduce_min reduce_prod reduce_l1 reduce_l2 reduce_sum_square reduce_log_sum reduce_log_sum_exp reduce_any reduce_all arg_max arg_min max_pool2d average_pool2d resize",
};

/** The operators of a graph and of the graphs within it. */
export async function operatorsFor(graph: Graph): Promise<Operators> {
  const wanted = new Set<Family>();
  collect(graph, wanted);
  const loaded = await Promise.all([...wanted].map((family) => LOADERS[family]()));
  const quantized = wanted.has("quantized") ? (await import("./families/quantized.ts")).QUANTIZED_LOWERINGS : undefined;
  return { ops: Object.fromEntries(loaded.flatMap(({ OPS }) => OPS.map((op) => [op.name, op]))), quantized };
}

function collect(graph: Graph, wanted: Set<Family>): void {
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    wanted.add(familyOf(op));
    if ([...inputs, ...outputs].some(isQuantized)) wanted.add("quantized");
    for (const value of Object.values(attributes)) if (typeof value === "object" && "nodes" in value) collect(value, wanted);
  }
}

const isQuantized = (value: Value | null): boolean => value?.quant !== undefined;

/** The family that an operator's name belongs to. */
export const familyOf = (op: string): Family =>
  (Object.keys(MEMBERS) as (keyof typeof MEMBERS)[]).find((family) => MEMBERS[family].split(" ").includes(op)) ?? "elementwise";
