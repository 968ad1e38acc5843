// Operators that few models have, gathered. They run in TypeScript.
import type { OpDef } from "./define.ts";
import { POSITION_OPS } from "./pool-positions.ts";
import { TREE_OPS } from "./trees.ts";

export const RARE_OPS: readonly OpDef[] = [TREE_OPS, POSITION_OPS].flat();
