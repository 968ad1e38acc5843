// The container: named tensors and a map of strings, as every safetensors reader understands them.
//
//   | header length, u64 | header, JSON + spaces | tensors, without gaps |
//   0                    8                       8 + header length
import { LanewiseError } from "../errors.ts";
import { type DataType, ELEMENT_BYTES, sizeOf } from "../graph/types.ts";
import { JsonAt } from "./json-at.ts";

/** A tensor of the container; `bytes` is a view of the file. */
export interface StoredTensor {
  readonly name: string;
  readonly storage: DataType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface Container {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const NAMES = {
  float64: "F64",
  int64: "I64",
  uint64: "U64",
  float32: "F32",
  int32: "I32",
  uint32: "U32",
  float16: "F16",
  int16: "I16",
  uint16: "U16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
} as const satisfies { readonly [T in DataType]: string };
const BY_NAME = new Map<string, DataType>(Object.entries(NAMES).map(([dataType, name]) => [name, dataType as DataType]));

/** The largest header that safetensors allows. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 64;
export const METADATA = "__metadata__";

/** Reads a container; tensors are views of `bytes`. Throws `format`. */
export function readContainer(bytes: Uint8Array): Container {
  if (bytes.length < 8) throw new LanewiseError("format", `header: expected at least 8 bytes, found ${bytes.length}`);
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const most = Math.min(bytes.length - 8, MAX_HEADER_BYTES);
  if (headerBytes > most) {
    throw new LanewiseError(
      "format",
      `header: expected a length of at most ${most} in ${bytes.length} bytes, found ${headerBytes}: the file is cut off or no model`,
    );
  }
  const header = JsonAt.parse(decode(bytes.subarray(8, 8 + headerBytes)), "header");
  const data = bytes.subarray(8 + headerBytes);
  const tensors = new Map<string, StoredTensor>();
  const metadata = new Map<string, string>();
  const extents: Extent[] = [];
  for (const [name, entry] of header.entries()) {
    if (name === METADATA) for (const [key, value] of entry.entries()) metadata.set(key, value.text());
    else {
      const { begin, end, ...tensor } = readTensor(name, entry, data.length);
      extents.push({ name, begin, end });
      tensors.set(name, { ...tensor, bytes: data.subarray(begin, end) });
    }
  }
  checkExtents(extents, data.length);
  return { metadata, tensors };
}

interface Extent {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LanewiseError("format", "header: expected UTF-8 text", { cause });
  }
}

function readTensor(name: string, entry: JsonAt, dataBytes: number) {
  const dtype = entry.field("dtype");
  const storage = BY_NAME.get(dtype.text()) ?? dtype.fail(`one of ${[...BY_NAME.keys()].join(", ")}`);
  const shape = readShape(entry.field("shape"));
  const offsets = entry.field("data_offsets");
  const end = offsets.item(1).integer(0, dataBytes);
  const begin = offsets.item(0).integer(0, end);
  const expected = sizeOf(shape) * ELEMENT_BYTES[storage];
  if (end - begin !== expected) {
    throw new LanewiseError("format", `${offsets.path}: expected ${expected} bytes for ${storage}[${shape}], found ${end - begin}`);
  }
  return { name, storage, shape, begin, end };
}

/** A list of whole numbers whose product is exact. */
export function readShape(at: JsonAt): number[] {
  const shape = at.items().map((dim) => dim.integer(0));
  if (shape.length > MAX_RANK) at.fail(`at most ${MAX_RANK} dimensions`);
  if (!Number.isSafeInteger(sizeOf(shape))) at.fail("a number of elements that can be counted");
  return shape;
}

/** Tensors must follow each other without gap or overlap, and fill the file. */
function checkExtents(extents: readonly Extent[], dataBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of extents.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at)
      throw new LanewiseError(
        "format",
        `header.${name}: expected to begin at byte ${at} of the data, where the one before ends, found ${begin}`,
      );
    at = end;
  }
  if (at !== dataBytes) throw new LanewiseError("format", `the tensors end at byte ${at} of the data, and the file has ${dataBytes}`);
}

/**
 * Header bytes of a container. `tensors` are in their order in the file; `metadata` values come in its own order.
 * Spaces pad it so that the data begins at a multiple of `alignment`.
 */
export function containerHeader(
  metadata: Readonly<Record<string, string>>,
  tensors: readonly StoredTensor[],
  alignment: number,
): Uint8Array {
  let at = 0;
  const entries = tensors.map(({ name, storage, shape, bytes }) => {
    const begin = at;
    at += bytes.length;
    return `${JSON.stringify(name)}:{"dtype":"${NAMES[storage]}","shape":[${shape}],"data_offsets":[${begin},${at}]}`;
  });
  const json = new TextEncoder().encode(`{${[`"${METADATA}":${JSON.stringify(metadata)}`, ...entries].join(",")}}`);
  const header = new Uint8Array(Math.ceil((8 + json.length) / alignment) * alignment).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return header;
}
