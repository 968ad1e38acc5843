// Dense layers and convolutions whose activations are quantized while the model runs, as quantize_dynamic of
// onnxruntime writes them, become one layer on float activations and int8 weights.
import { constantElements, constantValue } from "../../graph/constant.ts";
import type { Node, Value } from "../../graph/types.ts";
import { type ConstantValue, channelsOf, isConstant, reshapeConstant, transposeConstant } from "../constants.ts";
import { permOf } from "../merge-views.ts";
import { isPlain } from "../pattern.ts";
import type { Rewriter } from "../rewrite.ts";

/** Products of integers, and the layers that they become. */
const LAYERS: { readonly [op: string]: string } = { matmul_integer: "matmul", conv_integer: "conv2d" };

/** What a uint8 element is more than the int8 element that stands for it. */
const SHIFT = 128;

/**
 * cast(matmul_integer(q, #w, zero, #wZero)) · scale · #wScale, where (q, scale, zero) = dynamic_quantize(x)
 * ⇒ matmul(x, #w) {activations: "tensor"}, #w on int8 with its scales; conv_integer likewise, with transposes around it.
 */
export function fuseDynamicLayers(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "mul" || !isPlain(graph, node)) continue;
    const factors = factorsOf(graph, node);
    const sums = factors.find((value) => isOwn(graph, value) && integerLayer(graph, value));
    const { layer, transpose } = (sums && integerLayer(graph, sums)) ?? {};
    const source = layer && dynamicSource(graph, layer);
    const perm = transpose && permOf(transpose);
    const weight =
      source &&
      weightOf(
        layer,
        factors.filter((value) => value !== sums && value !== source.scale),
        perm,
      );
    if (!weight) continue;
    const y = graph.make(LAYERS[layer.op]!, [source.x(), weight], { ...layer.attributes, activations: "tensor" });
    graph.replaceNode(node, transpose ? graph.make("transpose", [y], transpose.attributes) : y);
  }
}

/** The operands of a product of two or three, however it is nested. */
function factorsOf(graph: Rewriter, { inputs }: Node): readonly Value[] {
  const nested = inputs.map((value) => graph.producer(value, "mul"));
  const at = nested.findIndex((producer) => producer && isPlain(graph, producer));
  return at < 0 ? (inputs as Value[]) : [...(nested[at]!.inputs as Value[]), ...(inputs.toSpliced(at, 1) as Value[])];
}

const isOwn = (graph: Rewriter, value: Value): boolean => graph.dataType(value) === "float32" && graph.soleUser(value) !== undefined;

/** The layer whose sums a value is as floats; a convolution's may be transposed. */
function integerLayer(graph: Rewriter, value: Value): { layer: Node; transpose: Node | undefined } | undefined {
  const sums = graph.producer(value, "cast")?.inputs[0];
  const transpose = graph.producer(sums, "transpose");
  const layer = transpose ? graph.producer(transpose.inputs[0], "conv_integer") : graph.producer(sums, ...Object.keys(LAYERS));
  const isSole = layer && graph.soleUser(sums!) && graph.soleUser(layer.outputs[0]!);
  return isSole ? { layer, transpose } : undefined;
}

/** x, where a layer reads the elements, maybe transposed, and the zero point of a dynamic_quantize. */
function dynamicSource(graph: Rewriter, { inputs: [q, , zero] }: Node): { x(): Value; scale: Value } | undefined {
  const transpose = graph.producer(q, "transpose");
  const steps = transpose ? transpose.inputs[0] : q;
  const source = graph.producer(steps, "dynamic_quantize");
  const x = source?.inputs[0];
  if (!x || source.outputs[0] !== steps || source.outputs[2] !== zero || graph.dataType(x) !== "float32") return undefined;
  return { x: () => (transpose ? graph.make("transpose", [x], transpose.attributes) : x), scale: source.outputs[1]! };
}

/** A constant that is multiplied to transposed channels, as it would be before the transpose. */
function channelsLast(factor: ConstantValue, perm: readonly number[]): ConstantValue {
  const { shape } = factor.type;
  const padded = [...perm.slice(shape.length).map(() => 1), ...shape];
  const back = perm.map((_, axis) => perm.indexOf(axis));
  return padded.length === perm.length ? transposeConstant(reshapeConstant(factor, padded), back) : factor;
}

/** A layer's constant weights as int8 that carry their quantization; `factors` is the constant with one scale, or one for each output. */
function weightOf(layer: Node, factors: readonly Value[], perm: readonly number[] | undefined): Value | undefined {
  const [weight, zeroValue] = [layer.inputs[1], layer.inputs[3]];
  const [factor] = factors;
  if (factors.length !== 1 || !isConstant(factor) || !isConstant(weight) || (zeroValue && !isConstant(zeroValue))) return undefined;
  const { dataType, shape } = weight.type;
  const isMatrix = layer.op === "matmul_integer";
  const isKnown = isMatrix ? shape.length === 2 && layer.attributes.transposeA !== true : ((layer.attributes.groups as number) ?? 1) === 1;
  const axis = isMatrix && layer.attributes.transposeB !== true ? 1 : 0;
  const scales = channelsOf(perm ? channelsLast(factor, perm) : factor, shape[axis]!);
  const zeros = zeroValue ? Array.from(constantElements(zeroValue) as ArrayLike<number>) : [0];
  if (!isKnown || !scales || (zeros.length !== 1 && zeros.length !== scales.length)) return undefined;
  const shift = dataType === "uint8" ? SHIFT : 0;
  const zeroPoint = Array.from(scales, (_, i) => zeros[zeros.length > 1 ? i : 0]! - shift);
  const steps = Int8Array.from(constantElements(weight) as ArrayLike<number>, (element) => element - shift);
  return constantValue(weight.name, "int8", shape, steps, { scale: Array.from(scales), zeroPoint, axis });
}
