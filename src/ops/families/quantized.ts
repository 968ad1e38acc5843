// The operators that are about quantization itself, and how the others run on quantized values.
import type { OpDef } from "../define.ts";
import { CONVERT_OPS } from "../quantized/convert.ts";
import { INTEGER_OPS } from "../quantized/integer.ts";
import { LINEAR_OPS } from "../quantized/linear.ts";

export const OPS: readonly OpDef[] = [CONVERT_OPS, LINEAR_OPS, INTEGER_OPS].flat();
export { QUANTIZED_LOWERINGS } from "../quantized/lowerings.ts";
