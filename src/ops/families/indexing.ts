// The operators that choose or make elements.
import type { OpDef } from "../define.ts";
import { GATHER_OPS } from "../gather.ts";
import { GENERATE_OPS } from "../generate.ts";
import { DETECTION_OPS } from "../non-max-suppression.ts";
import { SAMPLE_OPS } from "../sample.ts";
import { SCATTER_OPS } from "../scatter.ts";
import { SEARCH_OPS } from "../search.ts";
import { SEQUENCE_OPS } from "../sequence.ts";

export const OPS: readonly OpDef[] = [GATHER_OPS, SCATTER_OPS, GENERATE_OPS, SEQUENCE_OPS, SEARCH_OPS, DETECTION_OPS, SAMPLE_OPS].flat();
