// Everything that a model's bytes can come from, with progress and a way to stop.
import { LanewiseError, messageOf } from "../errors.ts";
import { throwIfAborted } from "./calls.ts";
import { isNode, readLocalFile } from "./platform.ts";

/** A path (Node, Deno, Bun), a URL, or the bytes in any form. */
export type ModelSource = string | URL | Request | Response | Uint8Array | ArrayBuffer | ReadableStream<Uint8Array>;

/** How a model's bytes are read. */
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

/** No server's word is taken for more than this, in bytes. */
const MAX_ANNOUNCED = 2 ** 30;
const FIRST_ROOM = 65536;

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
  if (!remote && isNode()) {
    const bytes = await readLocalFile(text.startsWith("file:") ? new URL(text) : text);
    options.onProgress?.({ loaded: bytes.length, total: bytes.length });
    return bytes;
  }
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

/** The chunks of a stream in one piece. An abort wakes a stream that has stalled. */
async function readStream(stream: ReadableStream<Uint8Array>, total: number, { onProgress, signal }: SourceOptions): Promise<Uint8Array> {
  const reader = stream.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  signal?.addEventListener("abort", cancel);
  const bytes = new GrowingBytes(total);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      throwIfAborted(signal);
      bytes.add(part.value);
      onProgress?.({ loaded: bytes.length, total });
    }
    throwIfAborted(signal);
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
  return bytes.view;
}

/** Room that is made at once for a length that was announced; other lengths are no error. */
class GrowingBytes {
  #bytes: Uint8Array;
  length = 0;

  constructor(announced: number) {
    this.#bytes = new Uint8Array(announced > 0 && announced <= MAX_ANNOUNCED ? announced : FIRST_ROOM);
  }

  add(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array))
      throw new LanewiseError("input", "the stream's chunks must be Uint8Array; this one gives text or objects");
    const length = this.length + chunk.byteLength;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.view);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.length);
    this.length = length;
  }

  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
