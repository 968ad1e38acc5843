// Vectors that are only partly there: the end of a row, or fewer than four columns.

/** Loads `count` floats, 1 to 3; the other lanes are 0. Reads nothing beyond them. */
export function loadSome(x: usize, count: usize): v128 {
  if (count == 1) return v128.load_zero<u32>(x);
  const pair = v128.load_zero<u64>(x);
  return count == 2 ? pair : v128.load_lane<u32>(x + 8, pair, 2);
}

/** Stores the low `count` lanes, 1 to 3. */
export function storeSome(y: usize, v: v128, count: usize): void {
  if (count == 1) {
    v128.store_lane<u32>(y, v, 0);
    return;
  }
  v128.store_lane<u64>(y, v, 0);
  if (count == 3) v128.store_lane<u32>(y + 8, v, 2);
}

/** Loads `lanes` floats, 1 to 4; the other lanes are 0. */
// @ts-ignore: decorator
@inline
export function loadLanes(x: usize, lanes: usize): v128 {
  return lanes < 4 ? loadSome(x, lanes) : v128.load(x);
}

/** Stores the low `lanes` lanes, 1 to 4. */
// @ts-ignore: decorator
@inline
export function storeLanes(y: usize, v: v128, lanes: usize): void {
  if (lanes < 4) storeSome(y, v, lanes);
  else v128.store(y, v);
}
