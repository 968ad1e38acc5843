// The TFLite schema as far as the importer reads it: fields by their numbers, enumerations by their order.
// Options of operators are beside the operators that they belong to.
import {
  bool,
  byte,
  bytes,
  type Decoded,
  type Field,
  floats,
  int,
  ints,
  longs,
  string,
  type TableView,
  table,
  tables,
  uint,
  ulong,
  view,
} from "./flatbuffer.ts";

/** Where a buffer lies when it is not in a vector: the format counts from the start of the file, and 0 and 1 mean "nowhere". */
const outside: Field<Uint8Array | undefined> = (buffer: TableView) => {
  const { offset, size } = buffer.decode({ offset: ulong(1), size: ulong(2) });
  return offset > 1 ? buffer.outside(offset, size, "data") : undefined;
};

const BUFFER = { data: bytes(0, "data"), outside };

const QUANTIZATION = { scale: floats(2, "scale"), zeroPoint: longs(3, "zero_point"), details: byte(4), axis: int(6) };

const DIMENSION = {
  format: byte(0),
  denseSize: int(1),
  segmentsType: byte(2),
  segments: view(3, "array_segments"),
  indicesType: byte(4),
  indices: view(5, "array_indices"),
};

const SPARSITY = {
  traversalOrder: ints(0, "traversal_order"),
  blockMap: ints(1, "block_map"),
  dimensions: tables(2, "dim_metadata", DIMENSION),
};

const TENSOR = {
  shape: ints(0, "shape"),
  type: byte(1),
  buffer: uint(2),
  name: string(3, "name"),
  quantization: table(4, "quantization", QUANTIZATION),
  isVariable: bool(5),
  sparsity: table(6, "sparsity", SPARSITY),
  shapeSignature: ints(7, "shape_signature"),
  externalBuffer: uint(10),
};

const OPERATOR = {
  code: uint(0),
  inputs: ints(1, "inputs"),
  outputs: ints(2, "outputs"),
  optionsType: byte(3),
  options: view(4, "builtin_options"),
  customOptions: bytes(5, "custom_options"),
};

const SUBGRAPH = {
  tensors: tables(0, "tensors", TENSOR),
  inputs: ints(1, "inputs"),
  outputs: ints(2, "outputs"),
  operators: tables(3, "operators", OPERATOR),
};

const OPERATOR_CODE = { shortCode: byte(0), customCode: string(1, "custom_code"), version: int(2, 1), code: int(3) };

export const MODEL = {
  version: uint(0),
  operatorCodes: tables(1, "operator_codes", OPERATOR_CODE),
  subgraphs: tables(2, "subgraphs", SUBGRAPH),
  buffers: tables(4, "buffers", BUFFER),
};

export type TfliteModel = Decoded<typeof MODEL>;
export type TfliteTensor = Decoded<typeof TENSOR>;
export type TfliteOperator = Decoded<typeof OPERATOR>;
export type TfliteSubgraph = Decoded<typeof SUBGRAPH>;
export type TfliteSparsity = Decoded<typeof SPARSITY>;
export type TfliteQuantization = Decoded<typeof QUANTIZATION>;

/** Element types in the format's order. */
export const TENSOR_TYPES = [
  "float32",
  "float16",
  "int32",
  "uint8",
  "int64",
  "string",
  "bool",
  "int16",
  "complex64",
  "int8",
  "float64",
  "complex128",
  "uint64",
  "resource",
  "variant",
  "uint32",
  "uint16",
  "int4",
  "bfloat16",
  "int2",
  "uint4",
  "float8_e4m3fn",
  "float8_e5m2",
] as const;

/** Builtin operators in the format's order. */
export const BUILTIN_OPERATORS = `
  ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED
  HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU
  RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
  SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE
  MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT
  LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG
  PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE
  EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN
  FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN
  FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE
  MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE
  RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
  NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER CUMSUM CALL_ONCE
  BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE
  REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL
  GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST
  BITWISE_XOR RIGHT_SHIFT`
  .trim()
  .split(/\s+/);

const CUSTOM = BUILTIN_OPERATORS.indexOf("CUSTOM");

/** An operator's name in the format, its version, and whether it is a custom one. */
export interface OperatorKind {
  readonly name: string;
  readonly version: number;
  readonly custom: boolean;
}

/** The newer field holds codes that do not fit in a byte; older files have the byte alone. */
export function operatorKind({ shortCode, customCode, version, code: longCode }: TfliteModel["operatorCodes"][number]): OperatorKind {
  const code = Math.max(shortCode, longCode);
  if (code === CUSTOM) return { name: customCode, version, custom: true };
  return { name: BUILTIN_OPERATORS[code] ?? `BUILTIN_${code}`, version, custom: false };
}
