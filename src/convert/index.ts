// The converter's public surface.
import type { Graph } from "../graph/types.ts";

export function importModel(_bytes: Uint8Array): Graph {
  throw new Error("not there yet");
}
