// The operators that compute on elements, rows and windows, gathered.
import { ARG_OPS } from "./arg.ts";
import { BINARY_OPS } from "./binary.ts";
import type { OpDef } from "./define.ts";
import { LOGIC_OPS } from "./logic.ts";
import { NORM_OPS } from "./norm.ts";
import { POOL_OPS } from "./pool.ts";
import { REDUCE_OPS } from "./reduce.ts";
import { RESIZE_OPS } from "./resize.ts";
import { SOFTMAX_OPS } from "./softmax.ts";
import { UNARY_OPS } from "./unary.ts";

export const POINTWISE_OPS: readonly OpDef[] = [
  UNARY_OPS,
  BINARY_OPS,
  LOGIC_OPS,
  SOFTMAX_OPS,
  NORM_OPS,
  REDUCE_OPS,
  ARG_OPS,
  POOL_OPS,
  RESIZE_OPS,
].flat();
