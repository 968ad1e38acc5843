// Everything that a model's bytes can come from, with progress and a way to stop.
import { LanewiseError, messageOf } from "../errors.ts";
import { throwIfAborted } from "./calls.ts";
import { isNode, readLocalFile } from "./platform.ts";

/** A path (Node, Deno, Bun), a URL, or the bytes in any form. */
export type ModelSource = string | URL | Request | Response | Uint8Array | ArrayBuffer | ReadableStream<Uint8Array>;

export interface SourceOptions {
  /** Called as bytes arrive. `total` is 0 while it is unknown. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  /** Stops loading; the promise rejects with code "aborted". */
  readonly signal?: AbortSignal;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Name of a Cache (browsers, Deno, edge workers) to keep fetched models in. */
  readonly cache?: string;
}

/** The bytes of a source. Throws "format", "input", "aborted". */
export async function readSource(source: ModelSource, options: SourceOptions): Promise<Uint8Array> {
  throwIfAborted(options.signal);
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  try {
    if (typeof source === "string" || source instanceof URL) return await readAddress(source, options);
    if (typeof Response === "function" && source instanceof Response) return await readResponse(source, options);
    if (typeof Request === "function" && source instanceof Request) return await readResponse(await fetchModel(source, options), options);
    if (typeof ReadableStream === "function" && source instanceof ReadableStream) return await readStream(source, 0, options);
  } catch (cause) {
    if (cause instanceof LanewiseError) throw cause;
    throwIfAborted(options.signal);
    throw new LanewiseError("format", `the model cannot be read from ${describe(source)}: ${messageOf(cause)}`, { cause });
  }
  throw new LanewiseError("input", `a model comes from a path, URL, Request, Response, bytes or stream, found ${describe(source)}`);
}

const describe = (source: unknown): string => {
  if (typeof source === "string" || source instanceof URL) return String(source);
  if (source === null || typeof source !== "object") return String(source);
  return "url" in source && source.url ? String(source.url) : (source.constructor?.name ?? "an object");
};

async function readAddress(address: string | URL, options: SourceOptions): Promise<Uint8Array> {
  const text = String(address);
  const remote = /^(https?|data|blob):/.test(text);
  if (!remote && isNode()) return readLocalFile(text.startsWith("file:") ? new URL(text) : text);
  return readResponse(await fetchModel(text, options), options);
}

async function fetchModel(request: string | Request, options: SourceOptions): Promise<Response> {
  const cache = options.cache !== undefined && typeof caches === "object" ? await caches.open(options.cache) : undefined;
  const kept = await cache?.match(request);
  if (kept) return kept;
  const response = await (options.fetch ?? fetch)(request, options.signal ? { signal: options.signal } : {});
  if (response.ok) await cache?.put(request, response.clone());
  return response;
}

async function readResponse(response: Response, options: SourceOptions): Promise<Uint8Array> {
  if (!response.ok) throw new LanewiseError("format", `the model cannot be read from ${response.url}: status ${response.status}`);
  // With a Content-Encoding the length counts compressed bytes.
  const total = response.headers.get("content-encoding") ? 0 : Number(response.headers.get("content-length") ?? 0);
  return response.body ? readStream(response.body, total, options) : new Uint8Array(await response.arrayBuffer());
}

async function readStream(stream: ReadableStream<Uint8Array>, total: number, { onProgress, signal }: SourceOptions): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      throwIfAborted(signal);
      chunks.push(part.value);
      loaded += part.value.byteLength;
      onProgress?.({ loaded, total });
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  return join(chunks, loaded);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
