// Depthwise weights come with their channels last; the engine wants filters first, so constants are turned here.
import { check } from "../../../errors.ts";
import { type Constant, ELEMENT_BYTES, type Value } from "../../../graph/types.ts";
import { like, type OperatorContext, shapeOf } from "../context.ts";

/** Turned constants, so that weights which several operators share stay shared. */
const turned = new WeakMap<Value, Value>();

/** Weights [1,KH,KW,O] as [O,KH,KW,1]. Throws `shape`. */
export function filtersFirst(ctx: OperatorContext, weight: Value): Value {
  const shape = shapeOf(weight);
  check(shape.length === 4 && shape[0] === 1, "shape", () => `depthwise weights have shape [${shape}], expected [1,KH,KW,O]`);
  const [, height, width, channels] = shape as [number, number, number, number];
  const quant = weight.quant?.axis === undefined ? weight.quant : { ...weight.quant, axis: 0 };
  check(
    quant === weight.quant || weight.quant?.axis === 3,
    "shape",
    () => `depthwise weights are quantized along axis ${weight.quant?.axis}, expected 3`,
  );
  const target = [channels, height, width, 1];
  if (!weight.constant) return ctx.make("transpose", [weight], { perm: [3, 1, 2, 0] }, { ...like(weight, target), quant });
  const known = turned.get(weight);
  if (known) return known;
  const constant = { ...weight.constant, bytes: transposed(weight.constant, height * width, channels) };
  const value = { name: ctx.names.unique(`${weight.name}/ohwi`), type: { ...weight.type!, shape: target }, quant, constant };
  turned.set(weight, value);
  return value;
}

/** A matrix of rows × columns, transposed. */
function transposed({ storage, bytes }: Constant, rows: number, columns: number): Uint8Array {
  const size = ELEMENT_BYTES[storage];
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [from, to] = [(row * columns + column) * size, (column * rows + row) * size];
      for (let byte = 0; byte < size; byte++) result[to + byte] = bytes[from + byte]!;
    }
  }
  return result;
}
