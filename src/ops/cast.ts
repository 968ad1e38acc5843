// Numbers in another data type. Floats are truncated towards zero, integers wrap around, bool is "not zero".
import { check } from "../errors.ts";
import { type DataType, ELEMENT_BYTES, isDataType, type TensorType } from "../graph/types.ts";
import type { KernelName } from "../runtime/kernel-exports.d.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Pointer } from "./define.ts";
import { encode, isFloat, isWide, numbersOf } from "./host-elements.ts";

/** Kernels by source and target; all take y, x, begin, end. */
const KERNELS: { readonly [from in DataType]?: { readonly [to in DataType]?: KernelName } } = {
  float32: {
    float16: "f32_to_f16",
    int32: "i32_from_f32",
    uint8: "u8_from_f32",
    int8: "u8_from_f32",
    bool: "bool_from_f32",
    int64: "i64_from_f32",
  },
  float16: { float32: "f16_to_f32" },
  int32: { float32: "f32_from_i32", bool: "bool_from_i32", uint8: "x8_from_x32", int8: "x8_from_x32", int64: "i64_from_i32" },
  uint8: { float32: "f32_from_u8", int32: "i32_from_u8" },
  bool: { float32: "f32_from_u8", int32: "i32_from_u8" },
  int8: { float32: "f32_from_i8", int32: "i32_from_i8" },
  int64: { float32: "f32_from_i64", int32: "x32_from_x64" },
};

/** The type in between where no kernel casts at once. int64 to bool goes through float32, which keeps every non-zero apart from zero. */
const between = (from: DataType, to: DataType): DataType => (isFloat(from) || isFloat(to) || to === "bool" ? "float32" : "int32");

/** Integers of one width share their bits. */
const sameBits = (from: DataType, to: DataType): boolean =>
  from === to || (ELEMENT_BYTES[from] === ELEMENT_BYTES[to] && !isFloat(from) && !isFloat(to) && to !== "bool");

/** What `to` makes of one element of `from`. */
function converter(from: DataType, to: DataType): (value: number | bigint) => number | bigint {
  if (to === "bool") return (value) => (Number(value) === 0 ? 0 : 1);
  if (isWide(from) && isWide(to)) return (value) => value;
  if (isWide(from) && !isFloat(to)) return (value) => Number(BigInt.asIntN(32, value as bigint));
  if (isFloat(from) && to === "int32")
    return (value) => (Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value as number), -(2 ** 31)), 2 ** 31 - 1));
  return (value) => encode(to, Number(value));
}

export const cast = defineOp({
  name: "cast",
  infer(ctx: InferContext): TensorType[] {
    const dataType = ctx.attributes.string("dataType");
    check(isDataType(dataType), "unsupported", () => `data type ${dataType}`);
    return [{ dataType, shape: ctx.input(0).shape }];
  },
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    const step = (kernel: KernelName, target: Pointer, source: Pointer) =>
      ctx.emitSplit(kernel as "f32_from_i32", x.size, [target, source]);
    if (sameBits(x.dataType, y.dataType)) {
      ctx.emitSplit("x8_copy_rows", 1, [y.pointer, x.pointer, x.bytes, 0, 0]);
      return;
    }
    const direct = KERNELS[x.dataType]?.[y.dataType];
    if (direct) return step(direct, y.pointer, x.pointer);
    const middle = between(x.dataType, y.dataType);
    const [first, second] = [KERNELS[x.dataType]?.[middle], KERNELS[middle]?.[y.dataType]];
    if (!first || !second) return false;
    const copy = ctx.scratch(x.size * ELEMENT_BYTES[middle]);
    step(first, copy, x.pointer);
    step(second, y.pointer, copy);
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const convert = converter(x.dataType, y.dataType);
    const source = isWide(x.dataType) ? x.data : numbersOf(x);
    for (let i = 0; i < y.data.length; i++) y.data[i] = convert(source[i]!) as never;
  },
  view: ({ input, outputs }) => (sameBits(input.dataType, outputs[0]!.dataType) ? [0] : undefined),
});

export const CAST_OPS: readonly OpDef[] = [cast];
