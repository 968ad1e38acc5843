// Decision trees as the kernel walks them (drawn in assembly/kernels/f32-trees.ts): every branch asks whether a feature
// is at most a threshold, whatever it asked before, and nothing is left to check.

/** What a node asks of a feature; `missingIsTrue` may be added to all but `leaf`. */
export const TREE_MODE = { leaf: 0, lessEqual: 1, less: 2, greaterEqual: 3, greater: 4, equal: 5, notEqual: 6, missingIsTrue: 16 } as const;

/** The inputs of `tree_ensemble`. */
export interface Trees {
  readonly nodes: Int32Array;
  readonly thresholds: Float32Array;
  readonly roots: Int32Array;
  readonly targets: Int32Array;
  readonly weights: Float32Array;
}

/** Trees whose roots stand side by side, walked at once. */
const GROUP = 4;
const NODE_BYTES = 16;
const ENTRY_BYTES = 16;
const LIST_BYTES = 8;

const modeOf = (nodes: Int32Array, node: number): number => nodes[node * 4 + 1]! & 15;
const isLeaf = (nodes: Int32Array, node: number): boolean => nodes[node * 4 + 1] === TREE_MODE.leaf;
/** `equal` and `notEqual` take two branches. */
const branchesOf = (nodes: Int32Array, node: number): number => (modeOf(nodes, node) >= TREE_MODE.equal ? 2 : 1);
const nextsOf = (nodes: Int32Array, node: number): Int32Array => nodes.subarray(node * 4 + 2, node * 4 + 4);

/** True where every row reaches leaves, whatever its features are, and every leaf adds to targets that there are. */
export function areSound({ nodes, thresholds, roots, targets, weights }: Trees, features: number, width: number): boolean {
  const count = nodes.length / 4;
  const isNode = (node: number) => node >= 0 && node < count;
  if (thresholds.length !== count || weights.length !== targets.length || !roots.every(isNode)) return false;
  if (!targets.every((target) => target >= 0 && target < width)) return false;
  for (let node = 0; node < count; node++) {
    const [feature, mode, first, second] = nodes.subarray(node * 4) as unknown as [number, number, number, number];
    const isSound = isLeaf(nodes, node)
      ? first >= 0 && second <= targets.length
      : (mode & ~TREE_MODE.missingIsTrue) >= 1 && (mode & ~TREE_MODE.missingIsTrue) <= 6 && feature >= 0 && feature < features;
    if (!isSound || !(isLeaf(nodes, node) || (isNode(first) && isNode(second)))) return false;
  }
  return features > 0 && !haveCircle(nodes);
}

/** Takes away nodes that none leads to until nothing changes; what is left are circles. */
function haveCircle(nodes: Int32Array): boolean {
  const count = nodes.length / 4;
  const incoming = new Int32Array(count);
  for (let node = 0; node < count; node++) if (!isLeaf(nodes, node)) for (const next of nextsOf(nodes, node)) incoming[next]!++;
  const free = Array.from({ length: count }, (_, node) => node).filter((node) => incoming[node] === 0);
  for (let taken = 0; taken < free.length; taken++) {
    const node = free[taken]!;
    if (!isLeaf(nodes, node)) for (const next of nextsOf(nodes, node)) if (--incoming[next]! === 0) free.push(next);
  }
  return free.length < count;
}

/** Where the parts of an ensemble stand, in bytes from its start. */
export interface TreeLayout {
  /** Of each node. */
  readonly starts: Int32Array;
  readonly groups: number;
  readonly leaves: number;
  /** The leaf without entries that fills the last group up. */
  readonly filler: number;
  readonly bytes: number;
}

/** Groups, then branches, leaves and lists. */
export function layoutTrees({ nodes, roots }: Trees): TreeLayout {
  const count = nodes.length / 4;
  const starts = new Int32Array(count);
  const groups = Math.ceil(roots.length / GROUP);
  let at = groups * GROUP * 4;
  for (let node = 0; node < count; node++) {
    if (isLeaf(nodes, node)) continue;
    starts[node] = at;
    at += NODE_BYTES * branchesOf(nodes, node);
  }
  const leaves = at;
  let listBytes = LIST_BYTES;
  for (let node = 0; node < count; node++) {
    if (!isLeaf(nodes, node)) continue;
    starts[node] = at;
    at += NODE_BYTES;
    listBytes += LIST_BYTES + ENTRY_BYTES * entriesOf(nodes, node);
  }
  return { starts, groups, leaves, filler: at, bytes: at + NODE_BYTES + listBytes };
}

function entriesOf(nodes: Int32Array, leaf: number): number {
  const [first, last] = nextsOf(nodes, leaf);
  return Math.max(last! - first!, 0);
}

/** Sound trees, packed; what a leaf adds is divided by `divisor`. */
export function packTrees(trees: Trees, { starts, groups, filler, bytes }: TreeLayout, divisor: number): Uint8Array {
  const { nodes, roots } = trees;
  const packed = new Uint8Array(bytes);
  const to = new DataView(packed.buffer);
  for (let i = 0; i < groups * GROUP; i++) to.setInt32(i * 4, i < roots.length ? starts[roots[i]!]! : filler, true);
  let list = filler + NODE_BYTES;
  for (let node = 0; node < starts.length; node++) {
    if (isLeaf(nodes, node)) list = packLeaf(to, starts[node]!, list, trees, node, divisor);
    else packBranch(to, starts, trees, node);
  }
  writeNode(to, filler, 0, filler, filler);
  to.setInt32(filler + 4, list, true);
  return packed;
}

function writeNode(to: DataView, at: number, feature: number, otherwise: number, whenTrue: number): void {
  to.setInt32(at, feature, true);
  to.setInt32(at + 8, otherwise, true);
  to.setInt32(at + 12, whenTrue, true);
}

/** Writes a leaf and its list; returns where the next list begins. */
function packLeaf(to: DataView, at: number, list: number, { nodes, targets, weights }: Trees, leaf: number, divisor: number): number {
  const [first, count] = [nodes[leaf * 4 + 2]!, entriesOf(nodes, leaf)];
  writeNode(to, at, 0, at, at);
  to.setInt32(at + 4, list, true);
  to.setInt32(list, count, true);
  list += LIST_BYTES;
  for (let entry = first; entry < first + count; entry++) {
    to.setFloat64(list, weights[entry]! / divisor, true);
    to.setInt32(list + 8, targets[entry]! * 8, true);
    list += ENTRY_BYTES;
  }
  return list;
}

/** Puts a question in terms of x <= threshold. A comparison with a NaN is only true of `notEqual`. */
function packBranch(to: DataView, starts: Int32Array, { nodes, thresholds }: Trees, node: number): void {
  const [at, threshold, mode] = [starts[node]!, thresholds[node]!, modeOf(nodes, node)];
  const missing = (nodes[node * 4 + 1]! & TREE_MODE.missingIsTrue) !== 0;
  const [yes, no] = Array.from(nextsOf(nodes, node), (next) => starts[next]!) as [number, number];
  const write = (branch: number, limit: number, missingIsTrue: boolean, whenTrue: number, otherwise: number) => {
    writeNode(to, branch, nodes[node * 4]! * 4 + Number(missingIsTrue), otherwise, whenTrue);
    to.setFloat32(branch + 4, limit, true);
  };
  const isTurned = (mode === TREE_MODE.greater || mode === TREE_MODE.greaterEqual) && !Number.isNaN(threshold);
  const limit = mode === TREE_MODE.less || mode === TREE_MODE.greaterEqual ? below(threshold) : threshold;
  const second = at + NODE_BYTES;
  if (mode === TREE_MODE.equal) {
    write(at, threshold, missing, second, no);
    write(second, below(threshold), false, no, yes);
  } else if (mode === TREE_MODE.notEqual) {
    write(at, threshold, false, second, yes);
    write(second, below(threshold), false, yes, no);
  } else if (isTurned) write(at, limit, !missing, no, yes);
  else write(at, limit, missing, yes, no);
}

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/** The largest float32 below a float32: x < value is x <= below(value). NaN, which nothing is at most, below −∞. */
function below(value: number): number {
  if (Number.isNaN(value) || value === -Infinity) return Number.NaN;
  if (value === 0) return -(2 ** -149);
  FLOAT[0] = value;
  BITS[0] = BITS[0]! + (value > 0 ? -1 : 1);
  return FLOAT[0]!;
}
