// Operators that have no int8 kernel of their own compute in float32, between a dequantization of their operands and a
// quantization of their results, all within one node.
import type { DataViewOf, LowerContext, OpDef, Operand, Pointer } from "../define.ts";
import { realsOf } from "../real.ts";
import { stepsOf } from "./steps.ts";

/** Operators that look at the elements themselves, not at what they stand for. */
const ON_ELEMENTS = new Set(
  "cast recenter quantize dequantize requantize quantize_linear dequantize_linear bitwise_and bitwise_or bitwise_xor bitwise_not bit_shift".split(
    " ",
  ),
);

/** The kernel steps of `op` with float32 in the place of int8; false where there are none, and nothing of use is emitted. */
export function lowerThroughFloat(ctx: LowerContext, op: OpDef): boolean {
  const isQuantized = [...ctx.inputs, ...ctx.outputs].some((operand) => operand?.quant !== undefined);
  if (!op.lower || !isQuantized || ON_ELEMENTS.has(op.name)) return false;
  const inputs = ctx.inputs.map((x) => x && floatInput(ctx, x));
  const outputs = ctx.outputs.map((y) => (y && stepsOf(y) ? floatOperand(y, ctx.scratch(y.size * 4)) : y));
  if (inputs.some((x) => x === null)) return false;
  if (op.lower(onFloats(ctx, inputs as (Operand | undefined)[], outputs)) === false) return false;
  for (const [i, y] of ctx.outputs.entries()) if (y && outputs[i] !== y) emitQuantized(ctx, y, outputs[i]!.pointer);
  return true;
}

/** An operand as float32; itself where it is not quantized, null where its quantization is none that kernels know. */
function floatInput(ctx: LowerContext, x: Operand): Operand | null {
  if (!x.quant || x.dataType === "float32") return x;
  if (x.known) {
    const data = Float32Array.from(realsOf({ dataType: x.dataType, shape: x.shape, data: x.known }, x.quant));
    return floatOperand(x, () => ctx.table(data), data);
  }
  const steps = stepsOf(x);
  if (!steps) return null;
  const copy = ctx.scratch(x.size * 4);
  ctx.emitSplit("f32_from_qs8", x.size, [copy, x.pointer, steps.scale, steps.zero]);
  return floatOperand(x, copy);
}

/** A constant is put into memory only where its address is asked for. */
function floatOperand(x: Operand, at: Pointer | (() => Pointer), known?: Float32Array): Operand {
  const { shape, size } = x;
  return {
    dataType: "float32",
    shape,
    quant: undefined,
    size,
    bytes: size * 4,
    rowStride: shape.at(-1) ?? 1,
    known,
    get pointer() {
      return typeof at === "function" ? at() : at;
    },
  };
}

/** Steps of y from floats, in rows where y's lie apart. */
function emitQuantized(ctx: LowerContext, y: Operand, from: Pointer): void {
  const { scale, zero } = stepsOf(y)!;
  const cols = y.shape.at(-1) ?? 1;
  if (y.rowStride === cols) {
    ctx.emitSplit("qs8_from_f32", y.size, [y.pointer, from, scale, zero]);
    return;
  }
  const dense = ctx.scratch(y.size);
  ctx.emitSplit("qs8_from_f32", y.size, [dense, from, scale, zero]);
  ctx.emitSplit("x8_copy_rows", y.size / cols, [y.pointer, dense, cols, y.rowStride, cols]);
}

/** The same context with other operands. What is packed from a dequantized constant belongs to the constant itself. */
function onFloats(ctx: LowerContext, inputs: readonly (Operand | undefined)[], outputs: readonly (Operand | undefined)[]): LowerContext {
  const ownerOf = (owner: Operand): Operand => ctx.inputs[inputs.indexOf(owner)] ?? owner;
  return {
    attributes: ctx.attributes,
    inputs,
    outputs,
    input: (index) => inputs[index] ?? ctx.input(index),
    output: (index) => outputs[index] ?? ctx.output(index),
    emit: (...step: Parameters<LowerContext["emit"]>) => ctx.emit(...step),
    emitSplit: (...step: Parameters<LowerContext["emitSplit"]>) => ctx.emitSplit(...step),
    explainByHost: () => ctx.explainByHost(),
    emitHost: () => ctx.emitHost(),
    scratch: (bytes) => ctx.scratch(bytes),
    weights: (owner, key, bytes, fill: (target: DataViewOf) => void) => ctx.weights(ownerOf(owner), `float ${key}`, bytes, fill),
    table: (data) => ctx.table(data),
    choose: (key, candidates, estimated) => ctx.choose(key, candidates, estimated),
    memory: ctx.memory,
    tier: ctx.tier,
    dot: ctx.dot,
    quantized: ctx.quantized,
  } as LowerContext;
}
