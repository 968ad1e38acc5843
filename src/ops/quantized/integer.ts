// ONNX's MatMulInteger and ConvInteger: 8-bit operands with zero points of their own, int32 sums out.
import { check } from "../../errors.ts";
import { type Quantization, sizeOf, type TensorType } from "../../graph/types.ts";
import { conv2d } from "../conv.ts";
import { convolutionOf } from "../conv-geometry.ts";
import { computeConvolution } from "../conv-host.ts";
import {
  defineOp,
  type HostContext,
  type HostTensor,
  type InferContext,
  type KernelArgument,
  type LowerContext,
  type OpDef,
  type Operand,
  type Pointer,
} from "../define.ts";
import { numbersOf } from "../host-elements.ts";
import { matmul, type Product, productOf } from "../matmul.ts";
import { type ConvGeometry, type ConvOutput, type ConvWeights, matrixGeometry } from "./conv-shape.ts";
import { emitLayer } from "./layer.ts";
import { emitProductOfActivations } from "./product-of-activations.ts";
import { rowsByOutput } from "./rows-by-output.ts";

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

const numbers = (operand: Operand): number[] => Array.from(operand.known as ArrayLike<number>);

/** What 8-bit numbers are less than int8 ones that stand for them. */
const shiftOf = ({ dataType }: Operand): number => (dataType === "uint8" ? 128 : 0);

/** A tensor as int8 in memory. */
function signedOf(ctx: LowerContext, x: Operand): Pointer {
  if (x.dataType === "int8") return x.pointer;
  const signed = ctx.scratch(x.size);
  ctx.emitSplit("x8_flip_sign", x.size, [signed, x.pointer]);
  return signed;
}

/** Activations as int8, with their zero point as it is known, or in memory where it is computed. */
function emitActivations(ctx: LowerContext): { x: Pointer; xZero: number; rowScale: KernelArgument } {
  const [x, zero] = [ctx.input(0), ctx.inputs[2]];
  const xZero = zero?.known ? numbers(zero)[0]! - shiftOf(x) : -shiftOf(x);
  const rowScale = zero && !zero.known ? ctx.scratch(8) : 0;
  if (rowScale !== 0) ctx.emit("qs8_zero_row", [rowScale, zero!.pointer, Number(x.dataType === "uint8")]);
  return { x: signedOf(ctx, x), xZero, rowScale };
}

/** Zero points of the second operand as int8 ones; undefined where they are computed. */
function weightZeros(ctx: LowerContext): number[] | undefined {
  const [weight, zero] = [ctx.input(1), ctx.inputs[3]];
  if (zero && !zero.known) return undefined;
  return (zero ? numbers(zero) : [0]).map((value) => value - shiftOf(weight));
}

/** How int32 sums leave a kernel. */
const sumsOutput = (ldy: number, xZero: number): ConvOutput => ({
  kind: "int32",
  ldy,
  xZero,
  yZero: 0,
  lo: -128,
  hi: 127,
  rowScaleStep: 0,
});

/** The sums of a product of two matrices that are computed while the model runs; false where a zero point is, too. */
function emitProductSums(ctx: LowerContext, product: Product, zeros: readonly number[]): boolean {
  if (zeros.length !== 1 || (ctx.inputs[2] && !ctx.inputs[2].known)) return false;
  const { x: a, xZero } = emitActivations(ctx);
  const b = signedOf(ctx, ctx.input(1));
  const output = sumsOutput(product.n, xZero);
  emitProductOfActivations(ctx, product, { a, b, bZero: zeros[0]!, y: ctx.output(0).pointer, scale: 1, output });
  return true;
}

/** The sums of a layer; `order` puts the weights as int8 into one output after another. */
function emitSums(
  ctx: LowerContext,
  geometry: ConvGeometry,
  images: number,
  zeros: number[],
  order: (weights: Int8Array) => Int8Array,
): void {
  const weight = ctx.input(1);
  const { xZero, ...activations } = emitActivations(ctx);
  const output = sumsOutput(geometry.outChannels, xZero);
  const weights = (): ConvWeights => {
    const signed = Int8Array.from(weight.known as Int8Array | Uint8Array, (value) => value - shiftOf(weight));
    return { weight: order(signed), zeros, bias: undefined, scales: [1] };
  };
  const isSymmetric = zeros.every((value) => value === 0);
  const layer = { geometry, images, output, owner: weight, weights, key: `int32 ${zeros}`, isSymmetric };
  emitLayer(ctx, { ...layer, ...activations, y: ctx.output(0).pointer });
}

const isScalar = (zero: Operand | undefined): boolean => !zero || zero.size === 1;

const matmulInteger = defineOp({
  name: "matmul_integer",
  infer(ctx: InferContext): TensorType[] {
    checkBytes(ctx);
    return integerOf(matmul.infer(ctx));
  },
  lower(ctx: LowerContext) {
    const product = productOf(ctx.attributes, ctx.input(0), ctx.input(1));
    const { n, k } = product;
    if (!isScalar(ctx.inputs[2]) || k === 0 || ctx.output(0).size === 0) return false;
    const zeros = weightZeros(ctx);
    if (!zeros) return false;
    if (!ctx.input(1).known) return emitProductSums(ctx, product, zeros);
    if (sizeOf(product.bBatch) !== 1 || product.transposeA) return false;
    emitSums(ctx, matrixGeometry(sizeOf(product.batch) * product.m, k, n), 1, zeros, (b) => rowsByOutput(b, product));
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
  lower(ctx: LowerContext) {
    const { batch, ...geometry } = convolutionOf(ctx.attributes, ctx.input(0), ctx.input(1));
    const zeros = isScalar(ctx.inputs[2]) && ctx.input(1).known && ctx.output(0).size > 0 ? weightZeros(ctx) : undefined;
    if (!zeros) return false;
    emitSums(ctx, geometry, batch, zeros, (weights) => weights);
  },
  host(ctx: HostContext) {
    const on = centred(ctx, [0, 0]);
    computeConvolution(on, convolutionOf(on.attributes, on.input(0), on.input(1)), false);
  },
});

export const INTEGER_OPS: readonly OpDef[] = [matmulInteger, convInteger];
