// JSON that nobody vouches for, read with the path to where we are: every error says expected, found and where.
import { LanewiseError } from "../errors.ts";

/** A value somewhere in a parsed JSON document. */
export class JsonAt {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  /** Parses text. Throws `format`. */
  static parse(text: string, path: string): JsonAt {
    try {
      return new JsonAt(JSON.parse(text), path);
    } catch (cause) {
      throw new LanewiseError("format", `${path}: expected JSON, ${(cause as Error).message}`, { cause });
    }
  }

  fail(expected: string): never {
    const text = JSON.stringify(this.value) ?? "nothing";
    const found = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new LanewiseError("format", `${this.path}: expected ${expected}, found ${found}`);
  }

  /** True for a missing entry, and for null, which stands for one. */
  get absent(): boolean {
    return this.value === undefined || this.value === null;
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  text(): string {
    return typeof this.value === "string" ? this.value : this.fail("a string");
  }

  number(): number {
    return typeof this.value === "number" ? this.value : this.fail("a number");
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max = Number.MAX_SAFE_INTEGER): number {
    const { value } = this;
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    return this.fail(max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`);
  }

  items(): JsonAt[] {
    if (!Array.isArray(this.value)) this.fail("a list");
    return (this.value as unknown[]).map((item, i) => new JsonAt(item, `${this.path}[${i}]`));
  }

  /** Item `index` of a list, which may be absent. */
  item(index: number): JsonAt {
    if (!Array.isArray(this.value)) this.fail("a list");
    return new JsonAt((this.value as unknown[])[index], `${this.path}[${index}]`);
  }

  /** Own entries of an object; a key such as `__proto__` is an entry like any other. */
  entries(): [string, JsonAt][] {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail("an object");
    return Object.entries(value as object).map(([key, item]) => [key, new JsonAt(item, `${this.path}.${key}`)]);
  }

  /** An own entry of an object, which may be absent. */
  field(key: string): JsonAt {
    return this.entries().find(([name]) => name === key)?.[1] ?? new JsonAt(undefined, `${this.path}.${key}`);
  }
}
