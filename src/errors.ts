// The one error that leaves the library. Operators say only what is wrong with their own inputs;
// `atNode` (src/ops/define.ts) adds the node's name, operator and input types once.

/**
 * `format`: the bytes are wrong · `unsupported`: the model is fine, this engine cannot run it ·
 * `shape`: the model is inconsistent · `input`: the caller is wrong · `memory`: the device cannot hold it ·
 * `aborted`: the caller's signal fired · `disposed`: the model was disposed.
 */
export type ErrorCode = "format" | "unsupported" | "shape" | "input" | "memory" | "aborted" | "disposed";

/** Says what was expected, what was found, and where. */
export class LanewiseError extends Error {
  override readonly name = "LanewiseError";
  /** What kind of thing is wrong, for programs; the message is for people. */
  readonly code: ErrorCode;

  /** `options.cause` is the error behind this one. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Throws a LanewiseError unless the condition holds. */
export function check(condition: unknown, code: ErrorCode, message: () => string): asserts condition {
  if (!condition) throw new LanewiseError(code, message());
}

/** The text of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
