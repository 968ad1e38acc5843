// ONNX's QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear where they could not become `quantize` and
// `dequantize`: scales that are computed, blocks, data types beyond 8 bits.
import { check } from "../../errors.ts";
import { isDataType, sizeOf, type TensorType } from "../../graph/types.ts";
import {
  type AttributeReader,
  defineOp,
  type HostContext,
  type HostTensor,
  type InferContext,
  type LowerContext,
  type OpDef,
} from "../define.ts";
import { numbersOf, writeNumbers } from "../host-elements.ts";
import { axisOf } from "../parameters.ts";
import { roundHalfEven } from "../real.ts";

const LIMITS: { readonly [dataType: string]: readonly [number, number] } = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** For each element of x, the index of its scale: the only one, one an index of the axis, or one a block along it. */
function scaleIndex(attributes: AttributeReader, x: TensorType, scale: TensorType): (element: number) => number {
  if (sizeOf(scale.shape) === 1) return () => 0;
  const axis = axisOf(attributes.number("axis", 1), x.shape.length);
  const inner = sizeOf(x.shape.slice(axis + 1)),
    size = x.shape[axis]!;
  const block = attributes.number("blockSize", 0);
  if (block === 0) return (element) => Math.floor(element / inner) % size;
  const blocks = Math.ceil(size / block);
  return (element) => {
    const along = Math.floor(element / inner) % size,
      outer = Math.floor(element / inner / size);
    return (outer * blocks + Math.floor(along / block)) * inner + (element % inner);
  };
}

const zerosOf = (zero: HostTensor | undefined): ArrayLike<number> => (zero ? numbersOf(zero) : []);

const quantizeLinear = defineOp({
  name: "quantize_linear",
  infer(ctx: InferContext): TensorType[] {
    const dataType = ctx.inputs[2]?.dataType ?? ctx.attributes.string("dataType", "uint8");
    check(isDataType(dataType) && LIMITS[dataType], "unsupported", () => `quantizing to ${dataType}`);
    return [{ dataType, shape: ctx.input(0).shape }];
  },
  host(ctx: HostContext) {
    const [x, scale, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
    const index = scaleIndex(ctx.attributes, x, scale);
    const [from, scales, zeros] = [numbersOf(x), numbersOf(scale), zerosOf(ctx.inputs[2])];
    const [least, most] = LIMITS[y.dataType]!;
    for (let i = 0; i < y.data.length; i++) {
      const at = index(i);
      const step = roundHalfEven(Math.fround(from[i]! / scales[at]!)) + (zeros[at] ?? 0);
      y.data[i] = Math.min(Math.max(step, least), most) as never;
    }
  },
});

const dequantizeLinear = defineOp({
  name: "dequantize_linear",
  infer: (ctx: InferContext): TensorType[] => [{ dataType: ctx.input(1).dataType, shape: ctx.input(0).shape }],
  host(ctx: HostContext) {
    const [x, scale] = [ctx.input(0), ctx.input(1)];
    const index = scaleIndex(ctx.attributes, x, scale);
    const [from, scales, zeros] = [numbersOf(x), numbersOf(scale), zerosOf(ctx.inputs[2])];
    const reals = Float64Array.from(from, (value, i) => (value - (zeros[index(i)] ?? 0)) * scales[index(i)]!);
    writeNumbers(ctx.outputs[0]!, reals);
  },
});

/** y = x over its own range, which always holds 0, with its scale and its zero point. */
const dynamicQuantize = defineOp({
  name: "dynamic_quantize",
  infer: (ctx: InferContext): TensorType[] => [
    { dataType: "uint8", shape: ctx.input(0).shape },
    { dataType: "float32", shape: [] },
    { dataType: "uint8", shape: [] },
  ],
  lower(ctx: LowerContext) {
    const x = ctx.input(0);
    if (x.dataType !== "float32") return false;
    ctx.emit("u8_dynamic_from_f32", [ctx.output(0).pointer, ctx.output(1).pointer, ctx.output(2).pointer, x.pointer, x.size]);
  },
  host(ctx: HostContext) {
    const x = numbersOf(ctx.input(0));
    let [least, most] = [0, 0];
    for (let i = 0; i < x.length; i++) {
      least = Math.min(least, x[i]!);
      most = Math.max(most, x[i]!);
    }
    const scale = Math.fround(Math.fround(most - least) / 255) || 1;
    const zero = Math.min(Math.max(roundHalfEven(Math.fround(-least / scale)), 0), 255);
    const [y, yScale, yZero] = ctx.outputs as readonly [HostTensor, HostTensor, HostTensor];
    for (let i = 0; i < x.length; i++) y.data[i] = Math.min(Math.max(roundHalfEven(Math.fround(x[i]! / scale)) + zero, 0), 255) as never;
    yScale.data[0] = scale as never;
    yZero.data[0] = zero as never;
  },
});

export const LINEAR_OPS: readonly OpDef[] = [quantizeLinear, dequantizeLinear, dynamicQuantize];
