// Into quantized numbers and out of them. Constants that the file stores narrower than it uses them become constants
// of the wide type with narrow storage, so that nothing has to be computed.
import { check } from "../../../errors.ts";
import { dataTypeOf, like, type OperatorContext, type OperatorImports, shapeOf, unsupported, withOptions } from "../context.ts";
import { bool, float, int } from "../flatbuffer.ts";

/** x: float32 into steps, or steps of one quantization into steps of another. */
const QUANTIZE = (ctx: OperatorContext) => {
  const [x, y] = [ctx.input(0), ctx.output()];
  if (!y.quant) unsupported("the output has no quantization");
  if (x.quant) return ctx.emit("requantize", [x], { rounding: "half_up" });
  ctx.emit("quantize", [x], { dataType: dataTypeOf(y) });
};

const DEQUANTIZE = (ctx: OperatorContext) => {
  const [x, y] = [ctx.input(0), ctx.output()];
  if (x.quant) return ctx.emit("dequantize", [x]);
  if (dataTypeOf(x) !== "float16") unsupported("the input has no quantization");
  if (!x.constant) return ctx.emit("cast", [x], { dataType: dataTypeOf(y) });
  ctx.alias({ name: y.name, type: { dataType: "float32", shape: shapeOf(x) }, constant: x.constant });
};

/** Sparse constants are written out when they are read. */
const DENSIFY = (ctx: OperatorContext) => {
  const x = ctx.input(0);
  if (!x.constant) unsupported("the sparse tensor must be constant");
  ctx.alias(x);
};

/** Rounds floats to the steps of a quantization and back, with 0 among the steps. */
const FAKE_QUANT = withOptions(58, { min: float(0), max: float(1), bits: int(2), narrow: bool(3) }, (ctx, { min, max, bits, narrow }) => {
  if (!(bits >= 2 && bits <= 8)) unsupported(`${bits} bits are not supported`);
  check(min < max && min <= 0 && max >= 0, "shape", () => `the range is ${min} … ${max}`);
  const [x, y] = [ctx.input(0), ctx.output()];
  const [least, most] = [narrow ? 1 : 0, 2 ** bits - 1];
  const scale = Math.fround((max - min) / (most - least));
  const zero = Math.min(most, Math.max(least, Math.round(least - min / scale)));
  const bounded = ctx.make("clamp", [x], { min: (least - zero) * scale, max: (most - zero) * scale }, like(x, shapeOf(x)));
  const quant = { scale: [scale], zeroPoint: [zero - 128] };
  const steps = ctx.make("quantize", [bounded], { dataType: "int8" }, { dataType: "int8", shape: shapeOf(y), quant });
  ctx.emit("dequantize", [steps]);
});

export const quantizations: OperatorImports = { QUANTIZE, DEQUANTIZE, DENSIFY, FAKE_QUANT };
