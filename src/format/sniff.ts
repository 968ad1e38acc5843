// Tells a model's format by its first bytes, and what else the bytes may be, so that the error helps.
import { LanewiseError } from "../errors.ts";

export type ModelFormat = "compact" | "onnx" | "tflite";

/** The format of a model file. Throws `format` when it is none. */
export function sniffFormat(bytes: Uint8Array): ModelFormat {
  if (!(bytes instanceof Uint8Array)) throw new LanewiseError("input", "a model's bytes must be a Uint8Array");
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes.length >= 9 && bytes[8] === 0x7b && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0) return "compact";
  if (text(4, 8) === "TFL3") return "tflite";
  if (looksLikeOnnx(bytes)) return "onnx";
  const found = describeBytes(bytes, text(0, 64));
  throw new LanewiseError("format", `expected a model (compact, ONNX or TFLite), found ${found}`);
}

/** A ModelProto begins with one of its own fields: ir_version, opset_import, a producer's name, or the graph. */
function looksLikeOnnx(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const irVersion = bytes[0] === 0x08 && bytes[1]! < 0x80;
  return irVersion || bytes[0] === 0x3a || bytes[0] === 0x42 || (bytes[0] === 0x12 && bytes[1]! < 0x80);
}

function describeBytes(bytes: Uint8Array, start: string): string {
  if (bytes.length === 0) return "no bytes at all";
  if (/^\s*<(!doctype|html|\?xml)/i.test(start)) return "a web page: the address probably answers with an error page or needs a login";
  if (start.startsWith("version https://git-lfs")) return "a Git LFS pointer: fetch the file itself with git lfs pull";
  if (start.startsWith("PK\u0003\u0004")) return "a zip archive (PyTorch, Keras or packed files): export the model to ONNX or TFLite first";
  if (start.startsWith("\u0089HDF")) return "an HDF5 file (Keras): convert the model to TFLite first";
  if (start.startsWith("\u001f\u008b")) return "gzip data: unpack it first";
  if (start.startsWith("GGUF")) return "a GGUF file, which is not supported";
  const hex = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes that begin with ${hex}`;
}
