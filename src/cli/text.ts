// Numbers and tables as a terminal shows them.

/** `1.5 MB`: three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(value >= 999.5 ? 4 : 3)} ${units[unit]}`;
}

/** `12.3 ms`, `480 µs`. */
export function formatMs(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toPrecision(3)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

/** `12.3 %` of a part from 0 to 1. */
export const formatShare = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Text cut to a width, with an ellipsis. */
export const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Rows in columns; numbers, and headings that begin with a space, lean right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.trim().length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (headings[i]!.startsWith(" ") ? cell.trim().padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  ");
  return [headings, ...rows].map((cells) => line(cells).trimEnd()).join("\n");
}

/** A name as part of a file's name. */
export const fileName = (name: string): string => name.replace(/[^\w.-]+/g, "_") || "_";
