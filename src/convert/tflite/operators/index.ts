// All operators of the format that the importer knows, and what there is to say about those that it does not.
import { type OperatorContext, type OperatorImport, type OperatorImports, unsupported } from "../context.ts";
import type { OperatorKind } from "../schema.ts";
import { convolutions } from "./convolution.ts";
import { customs } from "./custom.ts";
import { elementwise } from "./elementwise.ts";
import { quantizations } from "./quantization.ts";
import { reductions } from "./reduction.ts";
import { shapes } from "./shape.ts";
import { slicing } from "./slicing.ts";
import { spaces } from "./space.ts";
import { spectra } from "./spectrum.ts";

/** Builtin operators by name. */
export const BUILTIN_IMPORTS: OperatorImports = {
  ...convolutions,
  ...elementwise,
  ...quantizations,
  ...reductions,
  ...shapes,
  ...slicing,
  ...spaces,
  ...spectra,
};

/** Custom operators by name. */
export const CUSTOM_IMPORTS: OperatorImports = customs;

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(IF|WHILE|CALL|CALL_ONCE)$/, "control flow is not supported yet"],
  [/^(VAR_HANDLE|READ_VARIABLE|ASSIGN_VARIABLE)$/, "resource variables, state between runs, are not supported yet"],
  [/LSTM$|RNN$|^SVDF$/, "recurrent layers are not supported yet"],
  [/^HASHTABLE/, "lookup tables are not supported"],
  [/^Flex/, "TensorFlow operators that the format only wraps (Flex) are not supported: convert the model without select TF ops"],
];

/** Why an operator has no importer; undefined when it has one. */
export function reasonAgainst({ name, custom }: OperatorKind): string | undefined {
  if (find(name, custom)) return undefined;
  return REASONS.find(([pattern]) => pattern.test(name))?.[1] ?? "this operator is not supported";
}

/** The importer of an operator; one that throws `unsupported` where there is none. */
export function importerOf(kind: OperatorKind): OperatorImport {
  return find(kind.name, kind.custom) ?? ((_: OperatorContext) => unsupported(reasonAgainst(kind)!));
}

function find(name: string, custom: boolean): OperatorImport | undefined {
  const imports = custom ? CUSTOM_IMPORTS : BUILTIN_IMPORTS;
  return Object.hasOwn(imports, name) ? imports[name] : undefined;
}
