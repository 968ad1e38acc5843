// Files that the user names, with an error that says which one could not be read or written.
import { mkdir, readFile as readBytes, writeFile as writeBytes } from "node:fs/promises";
import { LanewiseError, messageOf } from "../errors.ts";

type Reasons = { readonly [code: string]: string };

const NOT_READ: Reasons = { ENOENT: "there is no such file", EISDIR: "it is a directory", EACCES: "it may not be read" };
const NOT_WRITTEN: Reasons = {
  ENOENT: "there is no such folder to write to",
  EISDIR: "it is a directory",
  EEXIST: "it is a file",
  EACCES: "it may not be written",
};

/** The bytes of a file. Throws `input`. */
export const readFile = (path: string): Promise<Uint8Array> => atPath(path, NOT_READ, () => readBytes(path));

/** Writes a file anew. Throws `input`. */
export const writeFile = (path: string, data: Uint8Array | string): Promise<void> =>
  atPath(path, NOT_WRITTEN, () => writeBytes(path, data));

/** Makes a folder, with those that it lies in. Throws `input`. */
export const makeFolder = (path: string): Promise<unknown> => atPath(path, NOT_WRITTEN, () => mkdir(path, { recursive: true }));

async function atPath<T>(path: string, reasons: Reasons, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    const reason = reasons[(cause as NodeJS.ErrnoException).code ?? ""] ?? messageOf(cause);
    throw new LanewiseError("input", `${path}: ${reason}`, { cause });
  }
}
