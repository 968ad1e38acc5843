// Takes away steps from int8 to float32 and back, and bounds that int8 has anyway.
import type { Quantization } from "../../graph/types.ts";
import { sameQuant } from "../constants.ts";
import type { Rewriter } from "../rewrite.ts";

/** quantize(dequantize(x)) ⇒ x, or requantize(x). */
export function cancelQuantization(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const x = node.op === "quantize" ? graph.producer(node.inputs[0], "dequantize")?.inputs[0] : undefined;
    const y = node.outputs[0]!;
    if (!x?.quant || x.quant.axis !== undefined || graph.dataType(x) !== graph.dataType(y)) continue;
    if (sameQuant(x.quant, y.quant)) graph.replaceNode(node, x);
    else graph.update(node, { op: "requantize", inputs: [x], attributes: {} });
  }
}

/** recenter(recenter(x)), both quantized alike ⇒ x. */
export function cancelRecentering(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const first = node.op === "recenter" ? graph.producer(node.inputs[0], "recenter") : undefined;
    const x = first?.inputs[0];
    if (x && sameQuant(x.quant, node.outputs[0]!.quant)) graph.replaceNode(node, x);
  }
}

/** clamp of int8 to bounds that no step reaches ⇒ nothing. */
export function removeNeedlessClamps(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [x, y] = [node.inputs[0], node.outputs[0]!];
    if (node.op !== "clamp" || !x?.quant || x.quant.axis !== undefined || !sameQuant(x.quant, y.quant)) continue;
    const { min = -Infinity, max = Infinity } = node.attributes as { min?: number; max?: number };
    const [least, most] = rangeOf(x.quant);
    if (min <= least && max >= most) graph.replaceNode(node, x);
  }
}

/** The real numbers that int8 reaches. */
const rangeOf = ({ scale, zeroPoint }: Quantization): readonly [number, number] => [
  (-128 - zeroPoint[0]!) * scale[0]!,
  (127 - zeroPoint[0]!) * scale[0]!,
];
