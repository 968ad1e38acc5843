// The operators that compute element by element.

import { BINARY_OPS } from "../binary.ts";
import { CAST_OPS } from "../cast.ts";
import type { OpDef } from "../define.ts";
import { LOGIC_OPS } from "../logic.ts";
import { UNARY_OPS } from "../unary.ts";
import { WHERE_OPS } from "../where.ts";

export const OPS: readonly OpDef[] = [UNARY_OPS, BINARY_OPS, LOGIC_OPS, WHERE_OPS, CAST_OPS].flat();
