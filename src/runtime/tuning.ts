// Which kernels were found to be the fastest on this device, as callers keep it between loads.
import { LanewiseError } from "../errors.ts";

/**
 * The fastest kernel of each layer that was timed, by the layer's shape: plain JSON. A page may keep it in its
 * localStorage; it is of use on the same device, to any model with layers of these shapes.
 */
export type Tuning = Readonly<Record<string, string>>;

/** What a caller gives for one, checked and copied. Throws "input". Names that this version does not know do nothing. */
export function readTuning(given: unknown): Tuning {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const found = Array.isArray(given) ? "an array" : String(given);
    throw new LanewiseError("input", `tune must be true, false or what model.tuning gave, found ${found}`);
  }
  const entries = Object.entries(given);
  const wrong = entries.find(([, kernel]) => typeof kernel !== "string");
  if (wrong)
    throw new LanewiseError("input", `tune must name a kernel for "${wrong[0]}", found ${wrong[1] === null ? null : typeof wrong[1]}`);
  return Object.fromEntries(entries);
}
