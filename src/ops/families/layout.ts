// The operators that arrange elements.

import { CONCAT_OPS } from "../concat.ts";
import type { OpDef } from "../define.ts";
import { PAD_OPS } from "../pad.ts";
import { SHAPE_OPS } from "../shape.ts";
import { SLICE_OPS } from "../slice.ts";
import { SPACE_OPS } from "../space.ts";
import { SPLIT_OPS } from "../split.ts";
import { TILE_OPS } from "../tile.ts";
import { TRANSPOSE_OPS } from "../transpose.ts";

export const OPS: readonly OpDef[] = [SHAPE_OPS, TRANSPOSE_OPS, PAD_OPS, CONCAT_OPS, SPLIT_OPS, SLICE_OPS, SPACE_OPS, TILE_OPS].flat();
