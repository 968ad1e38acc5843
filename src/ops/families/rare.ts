// Operators that few models have.
import type { OpDef } from "../define.ts";
import { EINSUM_OPS } from "../einsum.ts";
import { LRN_OPS } from "../lrn.ts";
import { POSITION_OPS } from "../pool-positions.ts";
import { RECURRENT_OPS } from "../recurrent.ts";
import { TREE_OPS } from "../trees.ts";

export const OPS: readonly OpDef[] = [RECURRENT_OPS, EINSUM_OPS, TREE_OPS, POSITION_OPS, LRN_OPS].flat();
