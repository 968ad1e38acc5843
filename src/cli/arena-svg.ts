// The arena as a picture: nodes from left to right, bytes from bottom to top, a box for every tensor.
import type { ArenaBlock, PlanDescription } from "../index.ts";
import { cut, formatBytes } from "./text.ts";

const MARGIN = { left: 78, right: 24, top: 62, bottom: 140 };
const HEIGHT = 620;
/** Pixels for a node: as wide as a label where there are few nodes, and never too thin to see. */
const NODE_WIDTHS = { most: 150, least: 9, wanted: 1500 };
/** Width of a character as part of the font's size. */
const CHARACTER = 0.6;

/** The SVG text for a plan. */
export function drawArena(plan: PlanDescription, title: string): string {
  const nodes = Math.max(1, plan.nodes.length);
  const nodeWidth = Math.min(NODE_WIDTHS.most, Math.max(NODE_WIDTHS.least, NODE_WIDTHS.wanted / (nodes + 1)));
  const width = Math.ceil(MARGIN.left + (nodes + 1) * nodeWidth + MARGIN.right);
  const height = MARGIN.top + HEIGHT + MARGIN.bottom;
  const scale: Scale = {
    x: (node) => MARGIN.left + node * nodeWidth,
    y: (bytes) => MARGIN.top + HEIGHT * (1 - bytes / Math.max(1, plan.arenaBytes)),
    nodeWidth,
    width,
  };
  const ratio = plan.arenaBytes / Math.max(1, plan.arenaLowerBound);
  const summary = `${plan.lifetimes.length} tensors, arena ${formatBytes(plan.arenaBytes)}, ${ratio.toFixed(3)} × the lower bound of ${formatBytes(plan.arenaLowerBound)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(MARGIN.left, 26, title, 'font-size="16" font-weight="bold" fill="#222"'),
    text(MARGIN.left, 46, summary, 'font-size="12" fill="#555"'),
    ...byteAxis(plan, scale),
    ...nodeAxis(plan, scale),
    ...plan.lifetimes.map((block, i) => drawBlock(block, i, scale)),
    ...lowerBoundLine(plan, scale),
    "</svg>\n",
  ].join("\n");
}

interface Scale {
  readonly x: (node: number) => number;
  readonly y: (bytes: number) => number;
  readonly nodeWidth: number;
  readonly width: number;
}

const escapeXml = (value: string): string => value.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const round = (value: number): string => value.toFixed(1);
const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(content)}</text>`;

function drawBlock({ name, bytes, first, last, offset }: ArenaBlock, index: number, { x, y }: Scale): string {
  const left = x(first);
  const top = y(offset + bytes);
  const width = x(last + 1) - left;
  const height = y(offset) - top;
  // Hues a golden angle apart, so that neighbours differ; scratch is grey.
  const fill = name.endsWith(" scratch") ? "#d9d9d9" : `hsl(${Math.round(index * 137.5) % 360} 62% 80%)`;
  const tip = `${name}: ${bytes} bytes at ${offset}, nodes ${first} to ${last}`;
  return (
    `<g><title>${escapeXml(tip)}</title>` +
    `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" fill="${fill}" stroke="#555" stroke-width="0.5"/>` +
    `${label(name.split(";")[0]!, formatBytes(bytes), left, top, width, height)}</g>`
  );
}

/** The name in the box and its bytes under it, along the side that leaves room for the larger letters. */
function label(name: string, bytes: string, left: number, top: number, width: number, height: number): string {
  const sizeAlong = (length: number, thickness: number) =>
    Math.min(12, thickness - 2, (length - 6) / (CHARACTER * Math.min(name.length, 12)));
  const upright = height > width && sizeAlong(height, width) > sizeAlong(width, height);
  const [length, thickness] = upright ? [height, width] : [width, height];
  const size = sizeAlong(length, thickness);
  if (size < 5) return "";
  const room = Math.floor((length - 6) / (size * CHARACTER));
  const both = `${name} ${bytes}`;
  const lines = thickness > size * 2.5 ? [cutFront(name, room), cut(bytes, room)] : [both.length <= room ? both : cutFront(name, room)];
  const [cx, cy] = [left + width / 2, top + height / 2];
  const turn = upright ? ` transform="rotate(-90 ${round(cx)} ${round(cy)})"` : "";
  const first = cy + size * (0.35 - 0.6 * (lines.length - 1));
  const row = (line: string, i: number) =>
    text(cx, first + i * size * 1.2, line, `text-anchor="middle" font-size="${round(size)}" fill="#222"`);
  return `<g${turn}>${lines.map(row).join("")}</g>`;
}

/** The end of a name, which tells more than the path that leads there. */
const cutFront = (name: string, width: number): string => (name.length > width ? `…${name.slice(name.length - width + 1)}` : name);

/** Lines at round numbers of bytes. */
function byteAxis({ arenaBytes }: PlanDescription, { y, x, width }: Scale): string[] {
  const step = Math.max(16, 2 ** Math.round(Math.log2(Math.max(1, arenaBytes) / 8)));
  const marks = Array.from({ length: Math.floor(arenaBytes / step) + 1 }, (_, i) => i * step);
  return marks.flatMap((bytes) => [
    `<line x1="${round(x(0))}" x2="${width - MARGIN.right}" y1="${round(y(bytes))}" y2="${round(y(bytes))}" stroke="#e4e4e4"/>`,
    text(x(0) - 6, y(bytes) + 4, formatBytes(bytes), 'text-anchor="end" fill="#555"'),
  ]);
}

/** Number and operator under the nodes, as many as there is room for. */
function nodeAxis({ nodes }: PlanDescription, { x, y, nodeWidth }: Scale): string[] {
  const every = Math.max(1, Math.ceil(13 / nodeWidth));
  const shown = nodes.map((line, i) => ({ i, op: / = (\w+)\(/.exec(line)?.[1] ?? "" })).filter(({ i }) => i % every === 0);
  const base = y(0) + 12;
  const named = shown.map(({ i, op }) => {
    const at = x(i) + nodeWidth / 2 + 4;
    return text(at, base, cut(`${i} ${op}`, 18), `text-anchor="end" fill="#555" transform="rotate(-90 ${round(at)} ${round(base)})"`);
  });
  const atOutputs = x(nodes.length) + nodeWidth / 2 + 4;
  return [
    ...named,
    text(atOutputs, base, "outputs", `text-anchor="end" fill="#555" transform="rotate(-90 ${round(atOutputs)} ${round(base)})"`),
  ];
}

/** The least that any layout needs. */
function lowerBoundLine({ arenaLowerBound, arenaBytes }: PlanDescription, { y, x, width }: Scale): string[] {
  if (arenaBytes === 0) return [];
  const at = round(y(arenaLowerBound));
  return [
    `<line x1="${round(x(0))}" x2="${width - MARGIN.right}" y1="${at}" y2="${at}" stroke="#c22" stroke-dasharray="6 4"/>`,
    text(width - MARGIN.right, y(arenaLowerBound) - 5, "lower bound", 'text-anchor="end" fill="#c22"'),
  ];
}
