// Files that the user names, with an error that says which one could not be read.
import { readFile as readBytes } from "node:fs/promises";
import { LanewiseError, messageOf } from "../errors.ts";

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "it may not be read",
};

/** The bytes of a file. Throws `input`. */
export async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await readBytes(path);
  } catch (cause) {
    const reason = REASONS[(cause as NodeJS.ErrnoException).code ?? ""] ?? messageOf(cause);
    throw new LanewiseError("input", `${path}: ${reason}`, { cause });
  }
}
