// The operators that move, choose or make elements, gathered.
import { CAST_OPS } from "./cast.ts";
import { CONCAT_OPS } from "./concat.ts";
import type { OpDef } from "./define.ts";
import { EINSUM_OPS } from "./einsum.ts";
import { GATHER_OPS } from "./gather.ts";
import { GENERATE_OPS } from "./generate.ts";
import { DETECTION_OPS } from "./non-max-suppression.ts";
import { PAD_OPS } from "./pad.ts";
import { RECURRENT_OPS } from "./recurrent.ts";
import { SAMPLE_OPS } from "./sample.ts";
import { SCATTER_OPS } from "./scatter.ts";
import { SEARCH_OPS } from "./search.ts";
import { SEQUENCE_OPS } from "./sequence.ts";
import { SHAPE_OPS } from "./shape.ts";
import { SLICE_OPS } from "./slice.ts";
import { SPACE_OPS } from "./space.ts";
import { SPLIT_OPS } from "./split.ts";
import { TILE_OPS } from "./tile.ts";
import { TRANSPOSE_OPS } from "./transpose.ts";
import { WHERE_OPS } from "./where.ts";

export const LAYOUT_OPS: readonly OpDef[] = [
  SHAPE_OPS,
  TRANSPOSE_OPS,
  PAD_OPS,
  CONCAT_OPS,
  SPLIT_OPS,
  SLICE_OPS,
  GATHER_OPS,
  SCATTER_OPS,
  SPACE_OPS,
  TILE_OPS,
  WHERE_OPS,
  CAST_OPS,
  GENERATE_OPS,
  SEQUENCE_OPS,
  RECURRENT_OPS,
  SEARCH_OPS,
  DETECTION_OPS,
  SAMPLE_OPS,
  EINSUM_OPS,
].flat();
