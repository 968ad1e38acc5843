// A product with rows of which each holds a single one, or none, only picks rows of the other matrix.
import { constantValue, storedElements } from "../graph/constant.ts";
import type { Node, Value } from "../graph/types.ts";
import { floatConstant, floatsOf, isConstant } from "./constants.ts";
import { askForShape } from "./merge-views.ts";
import type { Rewriter } from "./rewrite.ts";

/**
 * matmul(cast(indices == [0 … n − 1]), #b, #bias) ⇒ gather(rows, indices), where rows are those of b plus the bias, and after them
 * one for all other indices. What is fused to the product is done to the rows. The same numbers, but for the sign of zeros.
 */
export function gatherOneHot(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [y] = node.outputs;
    const shape = node.op === "matmul" ? askForShape(graph.type(y!)?.shape, 1) : undefined;
    const indices = shape && oneHotIndices(graph, node.inputs[0]!, rowCount(node));
    const rows = indices && pickedRows(node);
    if (!shape || !indices || !rows) continue;
    const finished = finishRows(graph, node, rows);
    const at = boundedIndices(graph, indices, rowCount(node)!);
    graph.replaceNode(node, graph.make("reshape", [graph.make("gather", [finished, at])], { shape }, { name: y!.name }));
  }
}

/** The rows of b. */
function rowCount({ inputs: [, b], attributes }: Node): number | undefined {
  return b?.type?.shape.length === 2 ? b.type.shape[attributes.transposeB === true ? 1 : 0] : undefined;
}

/** The integers [… , 1] whose places in rows of `n` are one in `value`; all else is zero. */
function oneHotIndices(graph: Rewriter, value: Value, n: number | undefined): Value | undefined {
  const cast = graph.producer(value, "cast");
  const equal = cast && graph.dataType(value) === "float32" ? graph.producer(cast.inputs[0], "equal") : undefined;
  const range = equal?.inputs.find((input) => input && isRange(input, n));
  const indices = equal?.inputs.find((input) => input !== range);
  const type = indices ? graph.type(indices) : undefined;
  if (!indices || type?.shape.at(-1) !== 1 || !["int32", "int64"].includes(type.dataType)) return undefined;
  return graph.rank(value) === type.shape.length ? indices : undefined;
}

/** 0 … n − 1 along the last axis. */
function isRange(value: Value, n: number | undefined): boolean {
  if (
    !isConstant(value) ||
    value.type.shape.at(-1) !== n ||
    value.type.shape.some((dim, axis, { length }) => axis < length - 1 && dim !== 1)
  )
    return false;
  const elements = ["int32", "int64"].includes(value.type.dataType) ? storedElements(value.constant) : [];
  return elements.length === n && Array.from(elements, Number).every((element, i) => element === i);
}

/** The rows of b and one of zeros, plus the bias; undefined where the product is more than that. */
function pickedRows({ inputs: [, b, bias, residual], attributes }: Node): Float32Array | undefined {
  const floats = floatsOf(b);
  const { transposeA = false, transposeB = false, alpha = 1 } = attributes;
  if (!floats || residual || transposeA || alpha !== 1 || !floats.every(Number.isFinite)) return undefined;
  const [first, second] = b!.type!.shape as [number, number];
  const [n, m] = transposeB ? [second, first] : [first, second];
  const terms = bias ? floatsOf(bias) : new Float32Array(m);
  if (terms?.length !== m) return undefined;
  return Float32Array.from({ length: (n + 1) * m }, (_, i) => {
    const [row, column] = [Math.floor(i / m), i % m];
    return terms[column]! + (row === n ? 0 : floats[transposeB ? column * n + row : i]!);
  });
}

/** The rows as a constant, with the activation and the bounds of the product. */
function finishRows(graph: Rewriter, node: Node, rows: Float32Array): Value {
  const { activation, min, max, transposeB: _, ...parameters } = node.attributes;
  const n = rowCount(node)! + 1;
  let value: Value = floatConstant(node.inputs[1]!.name, [n, rows.length / n], rows);
  if (typeof activation === "string") value = graph.make(activation, [value], parameters);
  if (min !== undefined || max !== undefined)
    value = graph.make("clamp", [value], { ...(min !== undefined && { min }), ...(max !== undefined && { max }) });
  return value;
}

/** Indices outside of 0 … n − 1 become −1 or n, which both mean the last of n + 1 rows. */
function boundedIndices(graph: Rewriter, indices: Value, n: number): Value {
  const { dataType } = graph.type(indices)!;
  const bound = (name: string, number: number) =>
    constantValue(`${indices.name}/${name}`, dataType, [], dataType === "int64" ? BigInt64Array.of(BigInt(number)) : Int32Array.of(number));
  const atLeast = graph.make("max", [indices, bound("least", -1)]);
  return graph.make("min", [atLeast, bound("most", n)]);
}
