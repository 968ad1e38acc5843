// Every ONNX operator that can be imported, by domain. An operator that differs from the graph's by its name alone may
// be declared there (`onnx` of its defineOp) and needs no function here.
import type { Attributes } from "../../../graph/types.ts";
import { ALL_OPS } from "../../../ops/index.ts";
import { flag, float, floats, ints, text } from "../attributes.ts";
import { type ImportTable, type NodeImport, operator } from "../node-context.ts";
import { ATTENTION_OPERATORS } from "./attention.ts";
import { BINARY } from "./binary.ts";
import { CONTRIB } from "./contrib.ts";
import { CONTROL } from "./control.ts";
import { CONVOLUTION } from "./convolution.ts";
import { INDEXING } from "./indexing.ts";
import { LINEAR } from "./linear.ts";
import { ML } from "./ml.ts";
import { NORMALIZATION } from "./normalization.ts";
import { POOLING } from "./pooling.ts";
import { QLINEAR, QLINEAR_MICROSOFT } from "./qlinear.ts";
import { QUANTIZATION } from "./quantization.ts";
import { RECURRENT } from "./recurrent.ts";
import { REDUCTION } from "./reduction.ts";
import { RESIZE_OPERATORS } from "./resize.ts";
import { SAMPLING } from "./sampling.ts";
import { SHAPE } from "./shape.ts";
import { UNARY } from "./unary.ts";

/** Import tables by domain; the default domain is "". */
export const IMPORT_TABLES: { readonly [domain: string]: ImportTable } = {
  "": {
    ...UNARY,
    ...BINARY,
    ...CONVOLUTION,
    ...POOLING,
    ...LINEAR,
    ...NORMALIZATION,
    ...REDUCTION,
    ...RECURRENT,
    ...SHAPE,
    ...INDEXING,
    ...SAMPLING,
    ...RESIZE_OPERATORS,
    ...QUANTIZATION,
    ...QLINEAR,
    ...ATTENTION_OPERATORS,
    ...CONTROL,
  },
  "ai.onnx.ml": ML,
  "com.microsoft": { ...QUANTIZATION, ...QLINEAR_MICROSOFT, ...CONTRIB },
};

/** The import function of an operator. */
export function findOperator(domain: string, opType: string): NodeImport | undefined {
  const table = Object.hasOwn(IMPORT_TABLES, domain) ? IMPORT_TABLES[domain]! : {};
  if (Object.hasOwn(table, opType)) return table[opType];
  return domain === "" ? declaredOperator(opType) : undefined;
}

/** An operator that the graph's own operator names as its ONNX form: inputs, outputs and attributes are the same. */
function declaredOperator(opType: string): NodeImport | undefined {
  for (const op of Object.values(ALL_OPS)) {
    if (!op?.onnx || !Object.hasOwn(op.onnx, opType)) continue;
    const schema = Object.fromEntries(Object.entries(op.onnx[opType]!).map(([name, fallback]) => [name, attributeLike(fallback)]));
    return operator(schema, (node, attributes) => node.emitAll(op.name, node.inputs, attributes as Attributes));
  }
  return undefined;
}

/** The attribute type of a default. */
function attributeLike(fallback: Attributes[string]) {
  if (typeof fallback === "string") return text(fallback);
  if (typeof fallback === "boolean") return flag(fallback);
  if (Array.isArray(fallback)) return fallback.every(Number.isInteger) ? ints(fallback as number[]) : floats(fallback as number[]);
  return float(fallback as number);
}
