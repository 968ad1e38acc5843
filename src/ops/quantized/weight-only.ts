// Products of float32 activations, which stay so, with a constant int8 matrix.
import type { Quantization } from "../../graph/types.ts";
import { sizeOf } from "../../graph/types.ts";
import type { LowerContext, Operand } from "../define.ts";
import { epilogueOf } from "../finish-f32.ts";
import { type Product, rowStrideOf } from "../matmul.ts";
import { PANEL, packPanels as packFloats, panelFloats } from "../pack-f32.ts";
import { FEW_ROWS } from "../product-cost.ts";
import { realsOf } from "../real.ts";
import { matrixGeometry, packPanels, panelBytesOf, panelsBytesOf } from "./conv-shape.ts";
import { packingKey } from "./layer.ts";
import { rowsByOutput } from "./rows-by-output.ts";

/** True where the activations are not to be quantized. */
export const keepsFloats = ({ attributes }: LowerContext): boolean => attributes.string("activations", "rows") === "float";

/**
 * Kernel steps: few rows read int8 weights, more of them float32 panels. us for one row of 4096×4096, which come from memory,
 * on a Zen 4: 2400–2600 with float32 weights, 1030–1100 with int8; of 1024×1024, which a cache keeps: 48 and 60 (simd128: 59, 60).
 */
export function lowerWeightOnly(ctx: LowerContext, product: Product, b: Operand & { quant: Quantization }): boolean {
  const { n, k, transposeB, batch } = product;
  const [x, bias, y, residual] = [ctx.input(0), ctx.inputs[2], ctx.output(0), ctx.inputs[3]];
  const terms = bias?.known as ArrayLike<number> | undefined;
  const alpha = ctx.attributes.number("alpha", 1);
  const m = sizeOf(batch) * product.m;
  const ldy = rowStrideOf(product, y.rowStride);
  const scales = Float32Array.from(b.quant.scale, (scale) => scale * alpha);
  const key = packingKey(`weights alone ${transposeB}`, terms, scales);
  const cost = { flops: 2 * m * n * k };
  const to = [y.pointer, x.pointer] as const;
  const finish = [residual?.pointer ?? 0, epilogueOf(ctx)] as const;
  const isSymmetric = b.quant.zeroPoint.every((zero) => zero === 0);
  if (m <= FEW_ROWS && isSymmetric) {
    const g = matrixGeometry(1, k, n);
    const weights = ctx.weights(b, `${key} int8`, panelsBytesOf(g, "float32", 1), (views) => {
      const weight = rowsByOutput(b.known as Int8Array, product);
      packPanels(views, g, "float32", 1, { weight, zeros: b.quant.zeroPoint, bias: terms, scales });
    });
    const scratch = ctx.scratch(m * (16 + Math.ceil(k / 4) * 16));
    const sizes = [m, n, k, ldy, k, n, panelBytesOf(g, "float32", 1)] as const;
    ctx.emitSplit("f32_qc8w_gemv", Math.ceil(n / PANEL), [...to, weights, ...finish, scratch, ...sizes], cost);
    return true;
  }
  const weights = ctx.weights(b, `${key} float32`, panelFloats(n, k) * 4, ({ f32 }) => {
    const known = { dataType: b.dataType, shape: b.shape, data: b.known as Int8Array };
    const data = Float32Array.from(realsOf(known, b.quant), (value) => value * alpha);
    packFloats(f32, 0, { data, n, k, rowStride: transposeB ? 1 : n, colStride: transposeB ? k : 1 }, terms);
  });
  if (m <= FEW_ROWS) ctx.emitSplit("f32_gemv", Math.ceil(n / PANEL), [...to, weights, ...finish, m, n, k, ldy, k, n], cost);
  else ctx.emitSplit("f32_gemm", m, [...to, weights, ...finish, n, k, ldy, k, n], cost);
  return true;
}
