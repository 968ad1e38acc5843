// Patterns of nodes, written as the formula that they compute: `commutes("max", any("x"), product("a", any("x")))`.
// A pattern looks at a value and what makes it; a name binds a value, and binds the same value where it comes again.
import type { Attributes, Node, Value } from "../graph/types.ts";
import { scalarOf } from "./constants.ts";
import type { Rewriter } from "./rewrite.ts";

/** What a pattern has found so far. */
export class Match {
  readonly graph: Rewriter;
  readonly values = new Map<string, Value>();
  readonly numbers = new Map<string, number>();
  readonly nodes = new Set<Node>();

  constructor(graph: Rewriter) {
    this.graph = graph;
  }

  value(name: string): Value {
    return this.values.get(name)!;
  }
  number(name: string): number {
    return this.numbers.get(name)!;
  }

  /** Does `body`, and forgets what it bound when it fails: names are bound once, so that the newest are the last. */
  attempt(body: () => boolean): boolean {
    const { values, numbers, nodes } = this;
    const [boundValues, boundNumbers, foundNodes] = [values.size, numbers.size, nodes.size];
    if (body()) return true;
    shrink(values, boundValues);
    shrink(numbers, boundNumbers);
    shrink(nodes, foundNodes);
    return false;
  }
}

function shrink<K>(bound: Map<K, unknown> | Set<K>, size: number): void {
  if (bound.size === size) return;
  for (const key of [...bound.keys()].slice(size)) bound.delete(key);
}

/** True when a value fits; binds names on the way. */
export interface Pattern {
  (match: Match, value: Value): boolean;
  /** Operators that make all values that fit; absent where any may. */
  readonly roots?: readonly string[] | undefined;
}

const withRoots = (roots: readonly string[] | undefined, pattern: Pattern): Pattern => Object.assign(pattern, { roots });

/** The roots of several patterns, of which one has to fit. */
const rootsOf = (patterns: readonly Pattern[]): readonly string[] | undefined =>
  patterns.every(({ roots }) => roots) ? patterns.flatMap(({ roots }) => roots!) : undefined;

/** A number that a constant must be, or the name under which it is bound. */
export type Scalar = number | string;

/** Models keep constants as float32, some as float16: 0.7071 comes as 0.70703. */
const TOLERANCE = 5e-4;

/** Equal, as far as a model's constants are exact. */
export const isNear = (actual: number, wanted: number): boolean =>
  actual === wanted || Math.abs(actual - wanted) <= TOLERANCE * Math.abs(wanted);

function bindNumber(match: Match, scalar: Scalar, value: number): boolean {
  const wanted = typeof scalar === "number" ? scalar : match.numbers.get(scalar);
  if (wanted !== undefined) return isNear(value, wanted);
  match.numbers.set(scalar as string, value);
  return true;
}

/** Any value, not a constant. */
export const any =
  (name: string): Pattern =>
  (match, value) => {
    const bound = match.values.get(name);
    if (bound || value.constant) return bound === value;
    match.values.set(name, value);
    return true;
  };

/** A value that fits `pattern`, bound to a name: the nodes behind it are looked at once. */
export const named = (name: string, pattern: Pattern): Pattern =>
  withRoots(pattern.roots, (match, value) => {
    const bound = match.values.get(name);
    if (bound) return bound === value;
    return match.attempt(() => pattern(match, value) && Boolean(match.values.set(name, value)));
  });

/** A constant of one element. */
export const scalar =
  (wanted: Scalar): Pattern =>
  (match, value) => {
    const number = scalarOf(match.graph, value);
    return number !== undefined && bindNumber(match, wanted, number);
  };

/** True when a node has no fused activation, and computes floats that are not quantized. */
export function isPlain(graph: Rewriter, node: Node): boolean {
  const { attributes, outputs } = node;
  if (attributes.activation !== undefined || outputs[0]!.quant) return false;
  const isFused = node.op !== "clamp" && (attributes.min !== undefined || attributes.max !== undefined);
  return !isFused && graph.dataType(outputs[0]!) === "float32";
}

function plainProducer({ graph }: Match, value: Value, name: string): Node | undefined {
  const node = graph.producer(value, name);
  return node && isPlain(graph, node) ? node : undefined;
}

/** How many inputs a node is given: absent ones at the end do not count. */
const givenCount = ({ inputs }: Node): number => inputs.findLastIndex((value) => value !== null) + 1;

/** The operator `name` on inputs that fit, in this order; `accepts` looks at its attributes. */
export const op = (
  name: string,
  inputs: readonly Pattern[],
  accepts: (attributes: Attributes, node: Node, match: Match) => boolean = () => true,
): Pattern =>
  withRoots([name], (match, value) => {
    const node = plainProducer(match, value, name);
    if (!node || givenCount(node) !== inputs.length || !accepts(node.attributes, node, match)) return false;
    return match.attempt(() => Boolean(match.nodes.add(node)) && inputs.every((pattern, i) => pattern(match, node.inputs[i]!)));
  });

/** The operator `name` on two inputs in either order. */
export const commutes = (name: string, a: Pattern, b: Pattern): Pattern => either(op(name, [a, b]), op(name, [b, a]));

/** The first pattern that fits. */
export const either = (...patterns: readonly Pattern[]): Pattern =>
  withRoots(rootsOf(patterns), (match, value) => patterns.some((pattern) => pattern(match, value)));

/** min(max(x, low), high), as the operator `clamp`. */
export const clamped = (x: Pattern, low: Scalar, high: Scalar): Pattern =>
  op(
    "clamp",
    [x],
    ({ min = -Infinity, max = Infinity }, _, match) => bindNumber(match, low, min as number) && bindNumber(match, high, max as number),
  );

/** x², however it is written. */
export const squared = (x: Pattern): Pattern => either(op("square", [x]), op("pow", [x, scalar(2)]), op("mul", [x, x]));

/** √x, however it is written. */
export const rooted = (x: Pattern): Pattern => either(op("sqrt", [x]), op("pow", [x, scalar(0.5)]));

/** `factor` · the patterns, whatever the order and the nesting of mul, div and neg. */
export const product = (factor: Scalar, ...patterns: readonly Pattern[]): Pattern => chain(PRODUCT, factor, patterns);

/** `term` + the patterns, whatever the order and the nesting of add and sub. */
export const sum = (term: Scalar, ...patterns: readonly Pattern[]): Pattern => chain(SUM, term, patterns);

/** How a chain of one commutative operation is taken apart. */
interface Chain {
  readonly ops: readonly string[];
  readonly start: number;
  /** The operands of a node, and what it adds to the number of the chain. */
  split(graph: Rewriter, node: Node): { operands: Value[]; number: number } | undefined;
  join(a: number, b: number): number;
}

const PRODUCT: Chain = {
  ops: ["mul", "div", "neg"],
  start: 1,
  join: (a, b) => a * b,
  split(graph, { op, inputs: [a, b] }) {
    if (op === "neg") return { operands: [a!], number: -1 };
    const [left, right] = [scalarOf(graph, a), scalarOf(graph, b)];
    if (op === "mul") return splitScalars(a!, b!, left, right, 1);
    return op === "div" && right !== undefined ? { operands: [a!], number: 1 / right } : undefined;
  },
};

const SUM: Chain = {
  ops: ["add", "sub"],
  start: 0,
  join: (a, b) => a + b,
  split(graph, { op, inputs: [a, b] }) {
    const [left, right] = [scalarOf(graph, a), scalarOf(graph, b)];
    if (op === "add") return splitScalars(a!, b!, left, right, 0);
    return op === "sub" && right !== undefined ? { operands: [a!], number: -right } : undefined;
  },
};

function splitScalars(
  a: Value,
  b: Value,
  left: number | undefined,
  right: number | undefined,
  none: number,
): { operands: Value[]; number: number } {
  if (right !== undefined) return { operands: [a], number: right };
  return left !== undefined ? { operands: [b], number: left } : { operands: [a, b], number: none };
}

/** One operand may stand alone, without any operation of the chain. */
function chainRoots({ ops }: Chain, patterns: readonly Pattern[]): readonly string[] | undefined {
  const alone = patterns.length === 1 ? rootsOf(patterns) : [];
  return alone && [...ops, ...alone];
}

const chain = (kind: Chain, number: Scalar, patterns: readonly Pattern[]): Pattern =>
  withRoots(chainRoots(kind, patterns), (match, value) =>
    match.attempt(() => {
      const parts = takeApart(kind, match, value, patterns.length);
      if (!parts || parts.operands.length !== patterns.length) return false;
      return bindNumber(match, number, parts.number) && matchInAnyOrder(match, patterns, parts.operands);
    }),
  );

/** No formula is longer than this; a chain of thousands of negations is not searched from each of its nodes to its end. */
const MAX_OPENED = 16;

/** Opens a value into at most `wanted` operands, scalars aside; nodes that others read too stay closed. */
function takeApart(kind: Chain, match: Match, value: Value, wanted: number): { operands: Value[]; number: number } | undefined {
  let number = kind.start;
  let operands = [value];
  let opened = 0;
  for (let i = 0; i < operands.length; ) {
    const parts = opened < MAX_OPENED ? open(kind, match, operands[i]!, operands[i] === value) : undefined;
    if (!parts || operands.length - 1 + parts.operands.length > wanted) i++;
    else {
      opened++;
      match.nodes.add(match.graph.producer(operands[i]!)!);
      number = kind.join(number, parts.number);
      operands = operands.toSpliced(i, 1, ...parts.operands);
    }
  }
  return { operands, number };
}

function open(kind: Chain, match: Match, value: Value, isRoot: boolean) {
  const node = match.graph.producer(value);
  if (!node || !isPlain(match.graph, node) || (!isRoot && match.graph.useCount(value) !== 1)) return undefined;
  return kind.split(match.graph, node);
}

function matchInAnyOrder(match: Match, patterns: readonly Pattern[], operands: readonly Value[]): boolean {
  const [first, ...rest] = patterns;
  if (!first) return true;
  return operands.some((operand, i) =>
    match.attempt(() => first(match, operand) && matchInAnyOrder(match, rest, operands.toSpliced(i, 1))),
  );
}

/** Matches the node's output; undefined unless everything between the bound values and the output is used here only. */
export function matchNode(graph: Rewriter, node: Node, pattern: Pattern): Match | undefined {
  if (pattern.roots && !pattern.roots.includes(node.op)) return undefined;
  const match = new Match(graph);
  const [output] = node.outputs;
  if (!output || node.outputs.length !== 1 || !pattern(match, output) || !match.nodes.has(node)) return undefined;
  for (const inner of match.nodes) {
    if (inner === node) continue;
    const value = inner.outputs[0]!;
    if (graph.isOutput(value) || graph.users(value).some((user) => !match.nodes.has(user))) return undefined;
  }
  return match;
}
