import { createRequire } from "node:module";
import { loadSession } from "./onnxruntime.mjs";

export const load = (bytes) => loadSession(createRequire(import.meta.url)("onnxruntime-node"), "cpu", bytes);
