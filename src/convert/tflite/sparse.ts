// Sparse constants, written out: each dimension of the traversal order is either dense or a list of segments and
// indices, as in compressed sparse rows; dimensions after the tensor's own walk the blocks that they are split into.
import { check } from "../../errors.ts";
import { sizeOf } from "../../graph/types.ts";
import { type Field, ints, type TableView } from "./flatbuffer.ts";
import type { TfliteSparsity, TfliteTensor } from "./schema.ts";

const MAX_LEVELS = 16;
/** A dense constant may be this many times larger than its sparse bytes. */
const MAX_GROWTH = 1024;

const shorts: Field<number[]> = (table) => table.numbers(0, "values", 2, (reader, position) => reader.readUint16(position));
const bytes: Field<number[]> = (table) => table.numbers(0, "values", 1, (reader, position) => reader.readUint8(position));
const INDEX_VECTORS: readonly (Field<number[]> | undefined)[] = [undefined, ints(0, "values"), shorts, bytes];

function indexVector(type: number, view: TableView | undefined, name: string): number[] {
  const read = INDEX_VECTORS[type];
  check(read && view, "format", () => `sparse tensor "${name}": no segments or indices`);
  return read(view);
}

/** One level of the traversal: children of node `parent` are numbered from `first` on and lie at `index(child)`. */
interface Level {
  readonly size: number;
  children(parent: number): { readonly first: number; readonly count: number };
  index(child: number): number;
}

function levelOf(dimension: TfliteSparsity["dimensions"][number], size: number, name: string): Level {
  if (dimension.format === 0) {
    check(
      dimension.denseSize === size,
      "shape",
      () => `sparse tensor "${name}": a dense dimension of ${dimension.denseSize}, expected ${size}`,
    );
    return { size, children: (parent) => ({ first: parent * size, count: size }), index: (child) => child % size };
  }
  const segments = indexVector(dimension.segmentsType, dimension.segments, name);
  const indices = indexVector(dimension.indicesType, dimension.indices, name);
  return {
    size,
    children(parent) {
      const [first, end] = [segments[parent], segments[parent + 1]];
      const inside = first !== undefined && end !== undefined && first >= 0 && first <= end && end <= indices.length;
      check(inside, "format", () => `sparse tensor "${name}": segment ${parent} is ${first} … ${end} of ${indices.length} indices`);
      return { first, count: end - first };
    },
    index(child) {
      const index = indices[child]!;
      check(index >= 0 && index < size, "format", () => `sparse tensor "${name}": index ${index} of a dimension of ${size}`);
      return index;
    },
  };
}

/** Elements from one index to the next of each dimension in traversal order, and how many indices it has. */
function strideLevels({ name, shape }: TfliteTensor, { traversalOrder, blockMap, dimensions }: TfliteSparsity) {
  const rank = shape.length;
  const levels = traversalOrder.length;
  check(levels <= MAX_LEVELS, "format", () => `sparse tensor "${name}": ${levels} dimensions to traverse`);
  const complete = levels === rank + blockMap.length && levels === dimensions.length && new Set(traversalOrder).size === levels;
  check(
    complete && traversalOrder.every((at) => at >= 0 && at < levels),
    "format",
    () => `sparse tensor "${name}": its traversal order does not fit`,
  );
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sizes = [...shape];
  for (const [block, axis] of blockMap.entries()) {
    const size = dimensions[traversalOrder.indexOf(rank + block)]!.denseSize;
    check(
      sizes[axis] !== undefined && size > 0 && sizes[axis] % size === 0,
      "format",
      () => `sparse tensor "${name}": blocks of ${size} on axis ${axis}`,
    );
    sizes.push(size);
    strides.push(strides[axis]!);
    sizes[axis] /= size;
    strides[axis]! *= size;
  }
  return traversalOrder.map((at) => ({ stride: strides[at]!, size: sizes[at]! }));
}

/** The dense bytes of a sparse tensor. Throws `format`, `shape`. */
export function densify(tensor: TfliteTensor, sparsity: TfliteSparsity, stored: Uint8Array, elementBytes: number): Uint8Array {
  const size = sizeOf(tensor.shape) * elementBytes;
  check(
    size >= 0 && size <= stored.length * MAX_GROWTH,
    "shape",
    () => `sparse tensor "${tensor.name}": ${stored.length} bytes for ${size}`,
  );
  const dense = new Uint8Array(size);
  const places = strideLevels(tensor, sparsity);
  const levels = sparsity.dimensions.map((dimension, i) => levelOf(dimension, places[i]!.size, tensor.name));
  let visited = 0;
  const visit = (depth: number, node: number, offset: number): void => {
    if (depth === levels.length) {
      const [from, to] = [node * elementBytes, offset * elementBytes];
      check(from + elementBytes <= stored.length, "shape", () => `sparse tensor "${tensor.name}": ${stored.length} bytes are too few`);
      dense.set(stored.subarray(from, from + elementBytes), to);
      return;
    }
    const level = levels[depth]!;
    const { first, count } = level.children(node);
    check((visited += count) <= size * levels.length, "format", () => `sparse tensor "${tensor.name}": its segments overlap`);
    for (let child = first; child < first + count; child++) visit(depth + 1, child, offset + level.index(child) * places[depth]!.stride);
  };
  visit(0, 0, 0);
  return dense;
}
