// The operators that compute along rows and windows.

import { ARG_OPS } from "../arg.ts";
import type { OpDef } from "../define.ts";
import { NORM_OPS } from "../norm.ts";
import { POOL_OPS } from "../pool.ts";
import { REDUCE_OPS } from "../reduce.ts";
import { RESIZE_OPS } from "../resize.ts";
import { SOFTMAX_OPS } from "../softmax.ts";

export const OPS: readonly OpDef[] = [SOFTMAX_OPS, NORM_OPS, REDUCE_OPS, ARG_OPS, POOL_OPS, RESIZE_OPS].flat();
