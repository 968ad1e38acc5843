// Into quantized numbers and out of them. Constants that the file stores narrower than it uses them become constants
// of the wide type with narrow storage, so that nothing has to be computed.
import { dataTypeOf, type OperatorContext, type OperatorImports, shapeOf, unsupported } from "../context.ts";

/** x: float32 into steps, or steps of one quantization into steps of another. */
const QUANTIZE = (ctx: OperatorContext) => {
  const [x, y] = [ctx.input(0), ctx.output()];
  if (!y.quant) unsupported("the output has no quantization");
  if (x.quant) return ctx.emit("requantize", [x]);
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

export const quantizations: OperatorImports = { QUANTIZE, DEQUANTIZE, DENSIFY };
