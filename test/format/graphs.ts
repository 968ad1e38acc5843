// Random graphs for the format's properties, and a form of graphs that can be compared.
import fc from "fast-check";
import {
  type Attribute,
  type DataType,
  ELEMENT_BYTES,
  type Graph,
  type Node,
  type Quantization,
  sizeOf,
  type Value,
} from "../../src/graph/types.ts";

const DATA_TYPES = Object.keys(ELEMENT_BYTES) as DataType[];
const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });

const quantization: fc.Arbitrary<Quantization | undefined> = fc.option(
  fc.oneof(
    fc.record({ scale: fc.tuple(float32), zeroPoint: fc.tuple(fc.integer({ min: -128, max: 255 })) }),
    fc.array(fc.tuple(float32, fc.integer({ min: -128, max: 127 })), { minLength: 2, maxLength: 9 }).map((pairs) => ({
      scale: pairs.map(([scale]) => scale),
      zeroPoint: pairs.map(([, zero]) => zero),
    })),
    fc.array(float32, { minLength: 2, maxLength: 40 }).map((scale) => ({ scale, zeroPoint: scale.map(() => 0) })),
  ),
  { nil: undefined },
);

const constant: fc.Arbitrary<Value> = fc
  .record({
    name: fc.string({ maxLength: 12 }),
    dataType: fc.constantFrom(...DATA_TYPES),
    half: fc.boolean(),
    shape: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
    repeated: fc.boolean(),
    /** One element in this many is not zero. */
    sparse: fc.constantFrom(1, 1, 3, 50),
    seed: fc.integer({ min: 0, max: 255 }),
    quant: quantization,
  })
  .map(({ name, dataType, half, shape, repeated, sparse, seed, quant }) => {
    const storage = half && dataType === "float32" ? "float16" : dataType;
    const width = ELEMENT_BYTES[storage];
    const byte = (i: number) => (Math.floor(i / width) % sparse !== 0 ? 0 : repeated ? seed : (seed + i * 37) & 255);
    const bytes = Uint8Array.from({ length: sizeOf(shape) * width }, (_, i) => byte(i));
    return { name, type: { dataType, shape }, quant, constant: { storage, bytes } };
  });

const attributeValue: fc.Arbitrary<Attribute> = fc.oneof(
  fc.double(),
  fc.float(),
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.array(fc.oneof(fc.double(), fc.integer()), { maxLength: 5 }),
  fc.array(fc.string(), { maxLength: 3 }),
);
const attributeName = fc.oneof(fc.constantFrom("axis", "strides", "__proto__", "constructor", "toString"), fc.string({ maxLength: 6 }));

interface Recipe {
  readonly inputs: readonly { dataType: DataType; shape: readonly number[]; quant: Quantization | undefined }[];
  readonly nodes: readonly {
    op: string;
    name: string;
    picks: readonly (number | null)[];
    outputs: readonly (Quantization | undefined | null)[];
    attributes: readonly (readonly [string, Attribute])[];
    nested: Recipe | undefined;
  }[];
  readonly results: readonly number[];
}

const { recipe } = fc.letrec<{ recipe: Recipe }>((tie) => ({
  recipe: fc.record({
    inputs: fc.array(
      fc.record({
        dataType: fc.constantFrom(...DATA_TYPES),
        shape: fc.array(fc.oneof(fc.integer({ min: 0, max: 999 }), fc.constant(Number.NaN)), { maxLength: 5 }),
        quant: quantization,
      }),
      { maxLength: 3 },
    ),
    nodes: fc.array(
      fc.record({
        op: fc.string({ maxLength: 10 }),
        name: fc.string({ maxLength: 10 }),
        picks: fc.array(fc.option(fc.nat()), { maxLength: 4 }),
        outputs: fc.array(fc.oneof(quantization, fc.constant(null)), { maxLength: 3 }),
        attributes: fc.array(fc.tuple(attributeName, attributeValue), { maxLength: 4 }),
        nested: fc.option(tie("recipe"), { nil: undefined, depthSize: "xsmall" }),
      }),
      { maxLength: 8 },
    ),
    results: fc.array(fc.nat(), { maxLength: 3 }),
  }),
}));

function build({ inputs, nodes, results }: Recipe, around: readonly Value[]): Graph {
  const visible = [...around];
  const graphInputs: Value[] = inputs.map(({ dataType, shape, quant }, i) => ({ name: `in${i}`, type: { dataType, shape }, quant }));
  visible.push(...graphInputs);
  const pick = (n: number | null): Value | null => (n === null || visible.length === 0 ? null : visible[n % visible.length]!);
  const graphNodes = nodes.map(({ op, name, picks, outputs, attributes, nested }): Node => {
    const entries: [string, Attribute][] = attributes.map(([key, value]) => [key, value]);
    if (nested) entries.push(["body", build(nested, visible)]);
    const node: Node = {
      op,
      name,
      inputs: picks.map(pick),
      outputs: outputs.map((quant, i) => (quant === null ? null : { name: `${name}#${i}`, quant })),
      attributes: Object.fromEntries(entries),
    };
    visible.push(...node.outputs.filter((value) => value !== null));
    return node;
  });
  const outputs = results.map(pick).filter((value) => value !== null);
  return { inputs: graphInputs, nodes: graphNodes, outputs, outputNames: outputs.map((_, i) => `out${i}`) };
}

/** Any graph that the format must keep. */
export const anyGraph: fc.Arbitrary<Graph> = fc
  .tuple(recipe, fc.array(constant, { maxLength: 6 }))
  .map(([shape, constants]) => build(shape, [...constants, ...constants.slice(0, 2).map((value) => ({ ...value, name: "again" }))]));

/** Everything that the format keeps of a graph, values by number; `named` with the nodes' names. */
export function essence(graph: Graph, named = true, outer: ReadonlyMap<Value, number> = new Map()): unknown {
  const ids = new Map(outer);
  const number = (value: Value) => void ids.set(value, ids.size);
  const quantOf = ({ quant }: Value) => quant && { ...quant, scale: quant.scale.map((scale) => Math.fround(scale) + 0) };
  const refer = (value: Value | null): unknown => {
    if (!value || ids.has(value)) return value && ids.get(value);
    return {
      type: value.type,
      quant: quantOf(value),
      storage: value.constant!.storage,
      bytes: Buffer.from(value.constant!.bytes).toString("hex"),
    };
  };
  graph.inputs.forEach(number);
  return {
    inputs: graph.inputs.map((value) => [value.name, value.type, quantOf(value)]),
    nodes: graph.nodes.map((node) => {
      const inputs = node.inputs.map(refer);
      const attributes = Object.entries(node.attributes).map(([name, value]) => [
        name,
        typeof value === "object" && "nodes" in value ? essence(value, named, ids) : value,
      ]);
      for (const value of node.outputs) if (value) number(value);
      return [node.op, named ? node.name : "", inputs, node.outputs.map((value) => value && [quantOf(value)]), attributes];
    }),
    outputs: graph.outputs.map((value, i) => [refer(value), graph.outputNames?.[i] ?? value.name]),
  };
}
