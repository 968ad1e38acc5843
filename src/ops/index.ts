// All operators, by name. A family is one file; adding an operator to its family's list is all the registration there is.
import type { OpTable } from "../plan/infer.ts";
import type { OpDef } from "./define.ts";
import { LAYOUT_OPS } from "./layout.ts";
import { MATRIX_OPS } from "./matrix.ts";
import { POINTWISE_OPS } from "./pointwise.ts";
import { QUANTIZED_OPS } from "./quantized/index.ts";
import { RARE_OPS } from "./rare.ts";

const FAMILIES: readonly (readonly OpDef[])[] = [LAYOUT_OPS, POINTWISE_OPS, MATRIX_OPS, QUANTIZED_OPS, RARE_OPS];

/** Every operator of the engine. */
export const ALL_OPS: OpTable = Object.fromEntries(FAMILIES.flat().map((op) => [op.name, op]));
