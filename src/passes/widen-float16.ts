// Graphs that compute in float16 compute in float32: no kernel takes halves, and float32 holds every one of them.
// Inputs and outputs keep their type by casts, constants stay stored as halves.
import type { Attributes, Graph, Node, Value } from "../graph/types.ts";
import { inferGraph, type OpTable } from "../plan/infer.ts";
import { copyGraph } from "./order.ts";

const isHalf = (value: Value | null): boolean => value?.type?.dataType === "float16";

const values = ({ inputs, nodes }: Graph): (Value | null)[] => [...inputs, ...nodes.flatMap((node) => [...node.inputs, ...node.outputs])];

/** The same graph in float32. Graphs without halves, with nested graphs, or with outputs of unknown type stay as they are. */
export function widenFloat16(original: Graph, ops: OpTable): Graph {
  const halves = values(original).some(isHalf) || original.nodes.some(({ attributes }) => attributes.dataType === "float16");
  const nested = original.nodes.some(({ attributes }) =>
    Object.values(attributes).some((value) => typeof value === "object" && "nodes" in value),
  );
  if (!halves || nested) return original;
  const typing = inferGraph(original, ops);
  const outputTypes = original.outputs.map((value) => typing.type(value));
  if (outputTypes.includes(undefined)) return original;

  const graph = copyGraph(original);
  const inputs = new Set(graph.inputs);
  for (const node of graph.nodes) node.attributes = widened(node.attributes);
  for (const value of new Set(values(graph)))
    if (value && isHalf(value) && !inputs.has(value)) value.type = { ...value.type!, dataType: "float32" };
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const after = graph.outputs.flatMap((value, i) =>
    outputTypes[i]!.dataType === "float16" && made.has(value) ? [narrowOutput(graph, i)] : [],
  );
  graph.nodes = [...graph.inputs.filter(isHalf).map((value) => widenInput(graph, value)), ...graph.nodes, ...after];
  return graph;
}

const widened = (attributes: Attributes): Attributes =>
  attributes.dataType === "float16" ? { ...attributes, dataType: "float32" } : attributes;

const cast = (from: Value, to: Value, dataType: string): Node => ({
  op: "cast",
  name: to.name,
  inputs: [from],
  outputs: [to],
  attributes: { dataType },
});

/** A cast to float32 that every reader of the input reads instead. */
function widenInput(graph: Graph, input: Value): Node {
  const wide: Value = { name: `${input.name}/float32` };
  for (const node of graph.nodes) node.inputs = node.inputs.map((value) => (value === input ? wide : value));
  return cast(input, wide, "float32");
}

/** A cast to float16 that takes the output's name. */
function narrowOutput(graph: Graph, index: number): Node {
  const value = graph.outputs[index]!;
  const half: Value = { name: value.name };
  value.name = `${value.name}/float32`;
  graph.outputs = graph.outputs.map((output) => (output === value ? half : output));
  return cast(value, half, "float16");
}
