// The one file that knows of Node (and of Deno and Bun, which speak its language): reading local files.

/** True where `node:fs` exists. */
export const isNode = (): boolean => typeof process === "object" && typeof process.versions?.node === "string";

/** The bytes of a local file. */
export async function readLocalFile(path: string | URL): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  return readFile(path);
}
