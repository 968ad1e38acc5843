// ONNX's MatMulInteger and ConvInteger: 8-bit operands with zero points of their own, int32 sums out.
import { check } from "../../errors.ts";
import type { Quantization, TensorType } from "../../graph/types.ts";
import { conv2d } from "../conv.ts";
import { convolutionOf } from "../conv-geometry.ts";
import { computeConvolution } from "../conv-host.ts";
import { defineOp, type HostContext, type HostTensor, type InferContext, type OpDef } from "../define.ts";
import { numbersOf } from "../host-elements.ts";
import { matmul } from "../matmul.ts";

/** A zero point as a quantization in steps of 1; `axis` is where a list of them counts along. */
function unitQuant(zero: HostTensor | undefined, axis: number): Quantization | undefined {
  if (!zero) return undefined;
  const zeroPoint = Array.from(numbersOf(zero));
  const scale = zeroPoint.map(() => 1);
  return zeroPoint.length === 1 ? { scale, zeroPoint } : { scale, zeroPoint, axis };
}

/** The context of the float operator on the integers less their zero points. */
function centred(ctx: HostContext, axes: readonly [number, number]): HostContext {
  const inputs = [ctx.input(0), ctx.input(1)];
  return {
    attributes: ctx.attributes,
    inputs,
    outputs: ctx.outputs,
    inputQuants: [unitQuant(ctx.inputs[2], axes[0]), unitQuant(ctx.inputs[3], axes[1])],
    outputQuants: [undefined],
    input: (index) => inputs[index]!,
  };
}

const integerOf = (types: TensorType[]): TensorType[] => types.map(({ shape }) => ({ dataType: "int32", shape }));

function checkBytes(ctx: InferContext): void {
  for (const { dataType } of [ctx.input(0), ctx.input(1)])
    check(dataType === "int8" || dataType === "uint8", "shape", () => `operands must be int8 or uint8, got ${dataType}`);
}

const matmulInteger = defineOp({
  name: "matmul_integer",
  infer(ctx: InferContext): TensorType[] {
    checkBytes(ctx);
    return integerOf(matmul.infer(ctx));
  },
  host(ctx: HostContext) {
    const [a, b] = [ctx.input(0), ctx.input(1)];
    matmul.host(centred(ctx, [Math.max(a.shape.length - 2, 0), b.shape.length - 1]));
  },
});

const convInteger = defineOp({
  name: "conv_integer",
  infer(ctx: InferContext): TensorType[] {
    checkBytes(ctx);
    return integerOf(conv2d.infer(ctx));
  },
  host(ctx: HostContext) {
    const on = centred(ctx, [0, 0]);
    computeConvolution(on, convolutionOf(on.attributes, on.input(0), on.input(1)), false);
  },
});

export const INTEGER_OPS: readonly OpDef[] = [matmulInteger, convInteger];
