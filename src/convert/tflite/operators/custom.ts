// Operators that are not the format's own, by the names that their runtimes give them.
import { check } from "../../../errors.ts";
import type { OperatorContext, OperatorImports } from "../context.ts";
import { transposeConv } from "./convolution.ts";

/** MediaPipe's transposed convolution: x, weight[O,KH,KW,C], bias[O]; options are three words: padding (1 same, 2 valid), strides. */
const Convolution2DTransposeBias = (ctx: OperatorContext) => {
  const bytes = ctx.customOptions;
  check(bytes.length >= 12, "format", () => `options of ${bytes.length} bytes, expected 12`);
  const words = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const [padding, strideW, strideH] = [words.getInt32(0, true), words.getInt32(4, true), words.getInt32(8, true)];
  const operands = { x: ctx.input(0), weight: ctx.input(1), bias: ctx.inputs[2] ?? null };
  transposeConv(ctx, operands, { padding: padding - 1, strideH, strideW }, {});
};

export const customs: OperatorImports = { Convolution2DTransposeBias };
