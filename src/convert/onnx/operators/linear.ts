// Matrix products.
import type { Value } from "../../../graph/types.ts";
import { flag, float } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

/**
 * A product by numpy's rules: a vector on the left is a row, on the right a column, and the axis that it got is
 * dropped from the result.
 */
export function matmulOf(node: NodeContext, op: string, a: Value, b: Value, rest: readonly (Value | null)[] = []): Value {
  const [rowVector, columnVector] = [node.rank(a) === 1, node.rank(b) === 1];
  const left = rowVector ? node.emit("unsqueeze", [a], { axes: [0] }) : a;
  const right = columnVector ? node.emit("unsqueeze", [b], { axes: [1] }) : b;
  const product = node.emit(op, [left, right, ...rest]);
  const axes = [...(rowVector ? [-2] : []), ...(columnVector ? [-1] : [])];
  return axes.length > 0 ? node.emit("squeeze", [product], { axes }) : product;
}

const MatMul = (node: NodeContext) => matmulOf(node, "matmul", node.input(0), node.input(1));

const MatMulInteger = (node: NodeContext) =>
  matmulOf(node, "matmul_integer", node.input(0), node.input(1), [node.optional(2), node.optional(3)]);

/** Y = alpha · A · B + beta · C. A row of C is the product's own bias. */
const Gemm = operator(
  { alpha: float(1), beta: float(1), transA: flag(false), transB: flag(false) },
  (node, { alpha, beta, transA, transB }) => {
    const [a, b, c] = [node.input(0), node.input(1), node.optional(2)];
    const attributes = { transposeA: transA || undefined, transposeB: transB || undefined, alpha: alpha === 1 ? undefined : alpha };
    if (!c || beta === 0) return node.emit("matmul", [a, b], attributes);
    const scaled = beta === 1 ? c : node.emit("mul", [c, node.scalarLike(c, beta)]);
    const columns = node.type(b).shape[transB ? 0 : 1];
    const { shape } = node.type(c);
    const isRow = shape.at(-1) === columns && shape.slice(0, -1).every((dim) => dim === 1);
    if (!isRow) return node.emit("add", [node.emit("matmul", [a, b], attributes), scaled]);
    const bias = shape.length === 1 ? scaled : node.emit("reshape", [scaled], { shape: [columns!] });
    return node.emit("matmul", [a, b, bias], attributes);
  },
);

export const LINEAR: ImportTable = { Gemm, MatMul, MatMulInteger };
