// Ensembles of decision trees, packed by src/ops/pack-trees.ts so that every node asks the same question and nothing
// is left to check here.
//
//   groups    u32[4] each: the roots of four trees
//   branches  | feature · 4 + missing | threshold f32 | next otherwise | next where true |
//   leaves    | 0                     | list          | itself         | itself          |
//   lists     | count u32 | 0 | and for each entry  weight f64 | target · 8 | 0 |
//
// A branch is true where x[feature] <= threshold, or where x[feature] is NaN and missing is 1.
// Roots, nexts and lists are bytes from the first group; the leaves stand behind all branches.

// @ts-ignore: decorator
@inline
function next(node: usize, x: usize, ensemble: usize): usize {
  const feature = load<u32>(node);
  const value = load<f32>(x + (feature & ~1));
  const isTrue = u32(value <= load<f32>(node, 4)) | (u32(value != value) & feature);
  return ensemble + load<u32>(node + (isTrue << 2), 8);
}

// @ts-ignore: decorator
@inline
function addLeaf(sums: usize, leaf: usize, ensemble: usize): void {
  let entry = ensemble + load<u32>(leaf, 4);
  for (const last = entry + (load<u32>(entry) << 4); entry < last; entry += 16) {
    const sum = sums + load<u32>(entry, 16);
    store<f64>(sum, load<f64>(sum) + load<f64>(entry, 8));
  }
}

/**
 * y[row, targets] = the sums of the leaves that row begin … end of x[rows, features] is led to by `groups` groups of
 * trees, added up in their order in float64. `leavesAt` is where the leaves begin, in bytes from `ensemble`; `sums`
 * has room for a float64 each target.
 */
export function f32_tree_ensemble(
  y: usize, x: usize, ensemble: usize, groups: usize, leavesAt: usize, sums: usize, features: usize, targets: usize,
  begin: usize, end: usize,
): void {
  const leaves = ensemble + leavesAt;
  const last = ensemble + (groups << 4);
  for (let row = begin; row < end; row++) {
    const from = x + ((row * features) << 2);
    for (let t: usize = 0; t < targets; t++) store<f64>(sums + (t << 3), 0);
    for (let group = ensemble; group < last; group += 16) {
      let node0 = ensemble + load<u32>(group);
      let node1 = ensemble + load<u32>(group, 4);
      let node2 = ensemble + load<u32>(group, 8);
      let node3 = ensemble + load<u32>(group, 12);
      while (u32(node0 < leaves) | u32(node1 < leaves) | u32(node2 < leaves) | u32(node3 < leaves)) {
        node0 = next(node0, from, ensemble);
        node1 = next(node1, from, ensemble);
        node2 = next(node2, from, ensemble);
        node3 = next(node3, from, ensemble);
      }
      addLeaf(sums, node0, ensemble);
      addLeaf(sums, node1, ensemble);
      addLeaf(sums, node2, ensemble);
      addLeaf(sums, node3, ensemble);
    }
    const to = y + ((row * targets) << 2);
    for (let t: usize = 0; t < targets; t++) store<f32>(to + (t << 2), <f32>load<f64>(sums + (t << 3)));
  }
}
