import * as ort from "onnxruntime-web";
import { loadSession } from "../onnxruntime.mjs";

export const load = (bytes) => loadSession(ort, "wasm", bytes);
