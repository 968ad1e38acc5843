// The order in which int8 layers read a matrix.
import type { Product } from "../matmul.ts";

/** The matrix with a row for each output. */
export function rowsByOutput(b: Int8Array, { n, k, transposeB }: Product): Int8Array {
  return transposeB ? b : Int8Array.from({ length: n * k }, (_, i) => b[(i % k) * n + Math.floor(i / k)]!);
}
