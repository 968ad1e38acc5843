// How the operators run on quantized values. A table of its own, so that models of floats need not bring it along.
import { lowerQuantizedBinary } from "./binary.ts";
import { lowerQuantizedConv } from "./conv.ts";
import { lowerQuantizedDeconv } from "./deconv.ts";
import { lowerQuantizedMatmul } from "./matmul.ts";
import { lowerQuantizedMean, lowerQuantizedPool } from "./pool.ts";
import { lowerQuantizedResize } from "./resize.ts";
import { lowerQuantizedSoftmax } from "./softmax.ts";
import { lowerThroughFloat } from "./through-float.ts";
import { lowerQuantizedUnary } from "./unary.ts";

export const QUANTIZED_LOWERINGS = {
  binary: lowerQuantizedBinary,
  conv: lowerQuantizedConv,
  deconv: lowerQuantizedDeconv,
  matmul: lowerQuantizedMatmul,
  mean: lowerQuantizedMean,
  pool: lowerQuantizedPool,
  resize: lowerQuantizedResize,
  softmax: lowerQuantizedSoftmax,
  throughFloat: lowerThroughFloat,
  unary: lowerQuantizedUnary,
};

export type QuantizedLowerings = typeof QUANTIZED_LOWERINGS;
