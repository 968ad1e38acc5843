// Sums of products over labelled axes. The general form, in TypeScript.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type OpDef } from "./define.ts";
import { numbersOf, writeNumbers } from "./host-elements.ts";
import { stridesOf } from "./moves.ts";

interface Equation {
  /** Labels of each operand's axes; the axes under an ellipsis are "0", "1", … counted from the last. */
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

/** Labels of a term; `rank` says how many axes the ellipsis stands for, outermost with the highest number. */
function labelsOf(term: string, rank: number): string[] {
  const dots = Math.max(0, rank - term.replace("...", "").length);
  const at = term.indexOf("...");
  if (at < 0) return [...term];
  return [...term.slice(0, at), ...Array.from({ length: dots }, (_, i) => String(dots - 1 - i)), ...term.slice(at + 3)];
}

/** Axes that no arrow orders: first those under the ellipsis, then the labels that occur once, by alphabet. */
function implicitOutput(operands: readonly (readonly string[])[]): string[] {
  const all = operands.flat();
  const dots = [...new Set(all.filter((label) => label >= "0" && label <= "9"))].sort().reverse();
  const single = [...new Set(all)].filter((label) => /[a-zA-Z]/.test(label) && all.indexOf(label) === all.lastIndexOf(label));
  return [...dots, ...single.sort()];
}

function parse(text: string, inputs: readonly (TensorType | undefined)[]): Equation {
  const [left, right] = text.replaceAll(" ", "").split("->") as [string, string | undefined];
  const terms = left.split(",");
  check(terms.length === inputs.length, "shape", () => `equation "${text}" is about ${terms.length} inputs, there are ${inputs.length}`);
  const operands = terms.map((term, i) => labelsOf(term, inputs[i]?.shape.length ?? 0));
  const sizes = new Map<string, number>();
  for (const [i, labels] of operands.entries()) {
    const shape = inputs[i]?.shape ?? [];
    check(labels.length === shape.length, "shape", () => `"${terms[i]}" is about ${labels.length} axes, input ${i} has ${shape.length}`);
    for (const [axis, label] of labels.entries()) {
      const known = sizes.get(label) ?? 1;
      const size = shape[axis]!;
      check(
        known === 1 || size === 1 || known === size || Number.isNaN(known + size),
        "shape",
        () => `axis "${label}" has ${known} and ${size} elements`,
      );
      sizes.set(label, known === 1 ? size : known);
    }
  }
  const dots = [...sizes.keys()].filter((label) => label >= "0" && label <= "9").length;
  const output = right === undefined ? implicitOutput(operands) : labelsOf(right, right.replace("...", "").length + dots);
  for (const label of output) check(sizes.has(label), "shape", () => `equation "${text}" gives "${label}", which no input has`);
  return { operands, output, sizes };
}

/** Sums `product` over the labels from `depth` on; `at` holds a position for each operand and is left as it was. */
function sumOver(
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
  values: readonly ArrayLike<number>[],
  at: number[],
  depth: number,
): number {
  if (depth === sizes.length) return values.reduce((product, elements, i) => product * elements[at[i]!]!, 1);
  let sum = 0;
  for (let i = 0; i < sizes[depth]!; i++) {
    sum += sumOver(sizes, strides, values, at, depth + 1);
    for (const [operand, step] of strides[depth]!.entries()) at[operand] = at[operand]! + step;
  }
  for (const [operand, step] of strides[depth]!.entries()) at[operand] = at[operand]! - step * sizes[depth]!;
  return sum;
}

export const einsum = defineOp({
  name: "einsum",
  infer(ctx: InferContext): TensorType[] {
    const { output, sizes } = parse(ctx.attributes.string("equation"), ctx.inputs);
    return [{ dataType: ctx.input(0).dataType, shape: output.map((label) => sizes.get(label)!) }];
  },
  host(ctx: HostContext) {
    const { operands, output, sizes } = parse(ctx.attributes.string("equation"), ctx.inputs);
    const values = ctx.inputs.map((_, i) => numbersOf(ctx.input(i)));
    const stepOf = (label: string) =>
      operands.map((labels, i) => {
        const { shape } = ctx.input(i);
        const strides = stridesOf(shape);
        return labels.reduce((step, own, axis) => (own === label && shape[axis] !== 1 ? step + strides[axis]! : step), 0);
      });
    const summed = [...sizes.keys()].filter((label) => !output.includes(label));
    const [summedSizes, summedSteps] = [summed.map((label) => sizes.get(label)!), summed.map(stepOf)];
    const y = ctx.outputs[0]!;
    const [yStrides, steps] = [stridesOf(y.shape), output.map(stepOf)];
    const results = new Float64Array(y.data.length);
    for (let i = 0; i < results.length; i++) {
      const index = y.shape.map((size, axis) => Math.floor(i / yStrides[axis]!) % size);
      const at = values.map((_, operand) => index.reduce((sum, position, axis) => sum + position * steps[axis]![operand]!, 0));
      results[i] = sumOver(summedSizes, summedSteps, values, at, 0);
    }
    writeNumbers(y, results);
  },
});

export const EINSUM_OPS: readonly OpDef[] = [einsum];
