// Reads flatbuffers that nobody vouches for: every offset and every length is checked before it is followed.
// A table's schema is an object of fields; a field is a function that reads its slot.
import { ByteBuffer } from "flatbuffers";
import { check } from "../../errors.ts";

/** Reads one field of a table. */
export type Field<T> = (table: TableView) => T;
/** A table's schema: each field by the number that the format gives it. */
export type Fields = { readonly [name: string]: Field<unknown> };
/** What a table of that schema holds. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> };

/** Bytes that may be decoded for each byte of the file. Honest files share little; tables that overlap could go on for hours. */
const DECODED_PER_BYTE = 8;

/** The bytes of a file, and how many more of them may be decoded. */
class FlatFile {
  readonly bytes: Uint8Array;
  readonly reader: ByteBuffer;
  #budget: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.reader = new ByteBuffer(bytes);
    this.#budget = bytes.length * DECODED_PER_BYTE;
  }

  /** `position`, when `length` bytes lie there. Throws `format`. */
  at(position: number, length: number, path: string): number {
    const inside = position >= 0 && position + length <= this.bytes.length;
    check(inside, "format", () => `${path}: ${length} bytes at ${position} lie outside of the file of ${this.bytes.length} bytes`);
    return position;
  }

  spend(length: number, path: string): void {
    this.#budget -= length;
    check(this.#budget >= 0, "format", () => `${path}: the tables of this file overlap`);
  }
}

/** A vector's place and number of elements. */
interface Span {
  readonly position: number;
  readonly length: number;
}

/** A table in a flatbuffer. `path` names it in errors. */
export class TableView {
  readonly path: string;
  readonly #file: FlatFile;
  readonly #position: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  constructor(file: FlatFile, position: number, path: string) {
    this.path = path;
    this.#file = file;
    this.#position = file.at(position, 4, path);
    this.#vtable = file.at(position - file.reader.readInt32(position), 4, path);
    this.#vtableBytes = file.reader.readUint16(this.#vtable);
    file.at(this.#vtable, this.#vtableBytes, path);
    file.spend(4, path);
  }

  /** The root table. Throws `format` when the bytes do not carry the identifier. */
  static root(bytes: Uint8Array, identifier: string): TableView {
    const found = String.fromCharCode(...bytes.subarray(4, 8));
    check(found === identifier, "format", () => `expected a flatbuffer with identifier "${identifier}" at byte 4, found "${found}"`);
    const file = new FlatFile(bytes);
    return new TableView(file, file.reader.readUint32(0), "the model");
  }

  /** Position of field `id`, which takes `bytes` bytes; undefined when the table does not have it. */
  #slot(id: number, bytes: number): number | undefined {
    const entry = 4 + 2 * id;
    if (entry + 2 > this.#vtableBytes) return undefined;
    const offset = this.#file.reader.readUint16(this.#vtable + entry);
    return offset === 0 ? undefined : this.#file.at(this.#position + offset, bytes, this.path);
  }

  /** Position that the offset in field `id` points to. */
  #target(id: number, name: string): number | undefined {
    const slot = this.#slot(id, 4);
    return slot === undefined ? undefined : this.#follow(slot, name);
  }

  #follow(slot: number, name: string): number {
    const offset = this.#file.reader.readUint32(slot);
    check(offset > 0, "format", () => `${this.path}.${name}: an offset of 0`);
    return this.#file.at(slot + offset, 4, `${this.path}.${name}`);
  }

  #span(id: number, name: string, elementBytes: number): Span | undefined {
    const target = this.#target(id, name);
    if (target === undefined) return undefined;
    const length = this.#file.reader.readUint32(target);
    return { position: this.#file.at(target + 4, length * elementBytes, `${this.path}.${name}`), length };
  }

  /** A number of `bytes` bytes in field `id`, or `fallback`. */
  number(id: number, bytes: number, read: (reader: ByteBuffer, position: number) => number, fallback: number): number {
    const slot = this.#slot(id, bytes);
    return slot === undefined ? fallback : read(this.#file.reader, slot);
  }

  /** A list of numbers of `bytes` bytes each; empty when the table does not have it. */
  numbers(id: number, name: string, bytes: number, read: (reader: ByteBuffer, position: number) => number): number[] {
    const span = this.#span(id, name, bytes);
    if (!span) return [];
    this.#file.spend(span.length * bytes, this.path);
    return Array.from({ length: span.length }, (_, i) => read(this.#file.reader, span.position + i * bytes));
  }

  /** Raw bytes, which are not copied. */
  bytes(id: number, name: string): Uint8Array | undefined {
    const span = this.#span(id, name, 1);
    return span && this.#file.bytes.subarray(span.position, span.position + span.length);
  }

  /** Bytes of the file outside of the tables, by their offset in the file. */
  outside(position: number, length: number, name: string): Uint8Array {
    this.#file.at(position, length, `${this.path}.${name}`);
    return this.#file.bytes.subarray(position, position + length);
  }

  string(id: number, name: string): string {
    const bytes = this.bytes(id, name);
    if (!bytes) return "";
    this.#file.spend(bytes.length, this.path);
    return new TextDecoder().decode(bytes);
  }

  table(id: number, name: string): TableView | undefined {
    const target = this.#target(id, name);
    return target === undefined ? undefined : new TableView(this.#file, target, `${this.path}.${name}`);
  }

  tables(id: number, name: string): TableView[] {
    const span = this.#span(id, name, 4);
    if (!span) return [];
    this.#file.spend(span.length * 4, this.path);
    return Array.from({ length: span.length }, (_, i) => {
      const item = `${name}[${i}]`;
      return new TableView(this.#file, this.#follow(span.position + i * 4, item), `${this.path}.${item}`);
    });
  }

  /** All fields of a schema. */
  decode<F extends Fields>(fields: F): Decoded<F> {
    return Object.fromEntries(Object.entries(fields).map(([name, read]) => [name, read(this)])) as Decoded<F>;
  }
}

/** A table without any field: reading it gives the defaults. */
export const NO_FIELDS = new TableView(new FlatFile(Uint8Array.of(4, 0, 4, 0, 4, 0, 0, 0)), 4, "no options");

const int8At = (reader: ByteBuffer, position: number) => reader.readInt8(position);
const int32At = (reader: ByteBuffer, position: number) => reader.readInt32(position);
const uint32At = (reader: ByteBuffer, position: number) => reader.readUint32(position);
const float32At = (reader: ByteBuffer, position: number) => reader.readFloat32(position);
const int64At = (reader: ByteBuffer, position: number) => Number(reader.readInt64(position));
const uint64At = (reader: ByteBuffer, position: number) => Number(reader.readUint64(position));

export const byte =
  (id: number, fallback = 0): Field<number> =>
  (table) =>
    table.number(id, 1, int8At, fallback);
export const bool =
  (id: number, fallback = false): Field<boolean> =>
  (table) =>
    table.number(id, 1, int8At, Number(fallback)) !== 0;
export const int =
  (id: number, fallback = 0): Field<number> =>
  (table) =>
    table.number(id, 4, int32At, fallback);
export const uint =
  (id: number, fallback = 0): Field<number> =>
  (table) =>
    table.number(id, 4, uint32At, fallback);
export const ulong =
  (id: number, fallback = 0): Field<number> =>
  (table) =>
    table.number(id, 8, uint64At, fallback);
export const float =
  (id: number, fallback = 0): Field<number> =>
  (table) =>
    table.number(id, 4, float32At, fallback);

export const ints =
  (id: number, name: string): Field<number[]> =>
  (table) =>
    table.numbers(id, name, 4, int32At);
export const longs =
  (id: number, name: string): Field<number[]> =>
  (table) =>
    table.numbers(id, name, 8, int64At);
export const floats =
  (id: number, name: string): Field<number[]> =>
  (table) =>
    table.numbers(id, name, 4, float32At);
export const bytes =
  (id: number, name: string): Field<Uint8Array | undefined> =>
  (table) =>
    table.bytes(id, name);
export const string =
  (id: number, name: string): Field<string> =>
  (table) =>
    table.string(id, name);

/** A nested table, decoded; undefined when there is none. */
export const table =
  <F extends Fields>(id: number, name: string, fields: F): Field<Decoded<F> | undefined> =>
  (parent) =>
    parent.table(id, name)?.decode(fields);
/** A list of tables, decoded. */
export const tables =
  <F extends Fields>(id: number, name: string, fields: F): Field<Decoded<F>[]> =>
  (parent) =>
    parent.tables(id, name).map((item) => item.decode(fields));
/** A nested table whose schema is known later. */
export const view =
  (id: number, name: string): Field<TableView | undefined> =>
  (parent) =>
    parent.table(id, name);
