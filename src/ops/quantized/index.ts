// The operators that are about quantization itself, gathered.
import type { OpDef } from "../define.ts";
import { CONVERT_OPS } from "./convert.ts";
import { INTEGER_OPS } from "./integer.ts";
import { LINEAR_OPS } from "./linear.ts";

export const QUANTIZED_OPS: readonly OpDef[] = [CONVERT_OPS, LINEAR_OPS, INTEGER_OPS].flat();
