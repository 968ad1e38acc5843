// Reads the compact format.
import type { Graph } from "../graph/types.ts";

export function readCompact(_bytes: Uint8Array): Graph {
  throw new Error("not there yet");
}
