// Quantization as ONNX's standard operators say it. What surrounds other operators with these is fused by a pass.
import { flag, int } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { packedIntegers } from "../quantized-value.ts";
import { dataTypeOf } from "../tensor.ts";

const QuantizeLinear = operator({ axis: int(1), block_size: int(0), output_dtype: int(0), saturate: flag(true) }, (node, attributes) => {
  const zero = node.optional(2);
  if (zero && packedIntegers(node, zero)) throw node.unsupported("a result of less than 8 bits");
  const declared = attributes.output_dtype ? dataTypeOf(attributes.output_dtype, "its result") : "uint8";
  return node.emit("quantize_linear", [node.input(0), node.input(1), zero], {
    axis: attributes.axis,
    blockSize: attributes.block_size || undefined,
    dataType: zero ? node.type(zero).dataType : declared,
  });
});

const DequantizeLinear = operator({ axis: int(1), block_size: int(0) }, (node, { axis, block_size }) =>
  node.emit("dequantize_linear", [node.input(0), node.input(1), node.optional(2)], { axis, blockSize: block_size || undefined }),
);

const DynamicQuantizeLinear = (node: NodeContext) => node.emitAll("dynamic_quantize", [node.input(0)], {}, 3);

export const QUANTIZATION: ImportTable = { DequantizeLinear, DynamicQuantizeLinear, QuantizeLinear };
