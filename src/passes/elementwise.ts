// Names of operators that compute each element by itself.

/** One operand, and nothing else that has axes. */
export const UNARY: ReadonlySet<string> = new Set(
  (
    "abs acos acosh asin asinh atan atanh ceil cos cosh erf exp floor log neg reciprocal round rsqrt sign sigmoid sin sinh softplus softsign " +
    "sqrt square tan tanh is_nan logical_not bitwise_not hard_swish mish clamp leaky_relu elu celu thresholded_relu selu hard_sigmoid swish gelu " +
    "shrink is_inf cast recenter quantize dequantize requantize"
  ).split(" "),
);

/** Operands that are broadcast to one shape. */
export const BROADCASTING: ReadonlySet<string> = new Set(
  (
    "add sub mul div pow max min squared_difference mod floor_div atan2 equal not_equal less less_equal greater greater_equal logical_and " +
    "logical_or logical_xor bitwise_and bitwise_or bitwise_xor bit_shift prelu where"
  ).split(" "),
);
