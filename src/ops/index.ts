// All operators, by name. A family is one file; adding an operator to its family's list is all the registration there is.
import type { OpTable } from "../plan/infer.ts";
import * as elementwise from "./families/elementwise.ts";
import * as indexing from "./families/indexing.ts";
import * as layout from "./families/layout.ts";
import * as matrix from "./families/matrix.ts";
import * as quantized from "./families/quantized.ts";
import * as rare from "./families/rare.ts";
import * as rows from "./families/rows.ts";

export const FAMILIES = { elementwise, indexing, layout, matrix, quantized, rare, rows };

/** Every operator of the engine. The runtime brings in only what a model names: see demand.ts. */
export const ALL_OPS: OpTable = Object.fromEntries(Object.values(FAMILIES).flatMap(({ OPS }) => OPS.map((op) => [op.name, op])));
