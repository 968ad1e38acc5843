// Reads protobuf messages by explicit field readers, every length checked: a message never reads beyond its own bytes.
// The varints and strings themselves are pbf's business.
import { PbfReader } from "pbf";
import { LanewiseError } from "../../errors.ts";

/** What becomes of each field, by its number. Fields that are not listed are skipped. */
export type Fields<T> = { readonly [field: number]: (message: T, reader: ProtoReader) => void };

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Messages within messages: graphs nest in attributes, and nothing honest nests deeper. */
const MAX_DEPTH = 100;

export class ProtoReader {
  readonly #pbf: PbfReader;
  readonly #what: string;
  readonly #depth: number;

  /** `what` names the message in errors. */
  constructor(bytes: Uint8Array, what: string, depth = 0) {
    if (depth > MAX_DEPTH) throw new LanewiseError("format", `${what}: messages nest deeper than ${MAX_DEPTH}`);
    this.#pbf = new PbfReader(bytes);
    this.#what = what;
    this.#depth = depth;
  }

  /** Reads all fields into `message`. Throws `format`. */
  read<T>(fields: Fields<T>, message: T): T {
    const pbf = this.#pbf;
    for (let field = pbf.nextField(); field || pbf.pos < pbf.length; field = pbf.nextField()) {
      if (!field) throw this.error("a field has number 0");
      fields[field]?.(message, this);
      if (pbf.pos > pbf.length) throw this.error("the bytes end within a field: the file is truncated");
    }
    if (pbf.pos > pbf.length) throw this.error("the bytes end within a field: the file is truncated");
    return message;
  }

  /** A nested message. */
  message<T>(what: string, fields: Fields<T>, message: T): T {
    return new ProtoReader(this.bytes(), what, this.#depth + 1).read(fields, message);
  }

  /** Bytes that stay where they lie in the file. */
  bytes(): Uint8Array {
    this.#expect(BYTES, "bytes");
    return this.#lengthPrefixed();
  }

  string(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** An integer; one beyond 2⁵³ loses its last bits. */
  integer(): number {
    return Number(this.bigint());
  }

  bigint(): bigint {
    this.#expect(VARINT, "an integer");
    return this.#varint();
  }

  float(): number {
    this.#expect(FIXED32, "a float");
    return this.#within(4).readFloat();
  }

  /** A repeated integer, packed or one at a time. */
  integers(into: number[]): void {
    this.#repeated(VARINT, () => into.push(Number(this.#varint())));
  }

  bigints(into: bigint[]): void {
    this.#repeated(VARINT, () => into.push(this.#varint()));
  }

  floats(into: number[]): void {
    this.#repeated(FIXED32, () => into.push(this.#within(4).readFloat()));
  }

  doubles(into: number[]): void {
    this.#repeated(FIXED64, () => into.push(this.#within(8).readDouble()));
  }

  error(message: string): LanewiseError {
    return new LanewiseError("format", `${this.#what}: ${message}`);
  }

  #repeated(type: number, readOne: () => void): void {
    const pbf = this.#pbf;
    if (pbf.type !== BYTES) {
      this.#expect(type, "a repeated number");
      readOne();
      return;
    }
    const { byteLength } = this.#lengthPrefixed();
    const end = pbf.pos;
    pbf.pos -= byteLength;
    while (pbf.pos < end) readOne();
    if (pbf.pos !== end) throw this.error("a packed list does not end with its last element");
  }

  #lengthPrefixed(): Uint8Array {
    const length = Number(this.#varint());
    const pbf = this.#pbf;
    if (!(length >= 0 && length <= pbf.length - pbf.pos)) {
      throw this.error(`a field of ${length} bytes where ${pbf.length - pbf.pos} are left: the file is truncated or damaged`);
    }
    const bytes = pbf.buf.subarray(pbf.pos, pbf.pos + length);
    pbf.pos += length;
    return bytes;
  }

  #varint(): bigint {
    const pbf = this.#pbf;
    const first = pbf.buf[pbf.pos];
    if (first !== undefined && first < 0x80) {
      pbf.pos++;
      return BigInt(first);
    }
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = pbf.buf[pbf.pos++];
      if (byte === undefined) throw this.error("the bytes end within a number: the file is truncated");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw this.error("an integer of more than 64 bits");
  }

  #within(bytes: number): PbfReader {
    if (this.#pbf.pos + bytes > this.#pbf.length) throw this.error("the bytes end within a number: the file is truncated");
    return this.#pbf;
  }

  #expect(type: number, what: string): void {
    if (this.#pbf.type !== type) throw this.error(`expected ${what}, found a field of wire type ${this.#pbf.type}`);
  }
}
