// What reader and writer of the compact format must agree on beyond its layout.

/** Key of the graph among the container's metadata, and the version of what is under it. */
export const GRAPH_KEY = "lanewise";
export const FORMAT_VERSION = 1;

/** The name of a node that the file does not name. */
export const defaultNodeName = (op: string, index: number): string => `${op}_${index}`;

/** The name of a value that a node makes and no output names. */
export const defaultValueName = (node: string, output: number): string => (output === 0 ? node : `${node}:${output}`);

/** Numbers that JSON lacks, as `{"number": "Infinity"}`. */
export const SPECIAL_NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
  ["-0", -0],
]);
