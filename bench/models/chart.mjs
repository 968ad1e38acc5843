// The bench as a picture: how many times faster than each peer, a row a model, on a logarithmic axis.
import { parse, View } from "vega";
import { compile } from "vega-lite";

const TICKS = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, 64];

/** A peer looks the same in every chart. */
const LOOKS = {
  "onnxruntime-web": { color: "#d62728", shape: "circle" },
  litert: { color: "#1f77b4", shape: "square" },
  "tfjs-wasm": { color: "#ff7f0e", shape: "diamond" },
  "onnxruntime-node": { color: "#7f7f7f", shape: "triangle-up" },
};

/** The ticks around all ratios, with 1 among them. */
function ticksFor(ratios) {
  const [least, most] = [Math.min(1, ...ratios), Math.max(2, ...ratios)];
  const first = TICKS.findLastIndex((tick) => tick <= least);
  const last = TICKS.findIndex((tick) => tick >= most);
  return TICKS.slice(Math.max(first, 0), last < 0 ? undefined : last + 1);
}

/** SVG text for the rows of index.mjs. */
export async function drawChart(rows) {
  const values = rows.flatMap(({ model, engines }) =>
    Object.entries(engines).flatMap(([peer, { ratio }]) => (ratio ? [{ model, peer, ratio: Number(ratio.toFixed(2)) }] : [])),
  );
  const peers = Object.keys(LOOKS).filter((peer) => values.some((value) => value.peer === peer));
  const ticks = ticksFor(values.map(({ ratio }) => ratio));
  const axis = { values: ticks, labelExpr: "datum.value < 1 ? '1/' + 1 / datum.value : datum.value + '×'", gridColor: "#ddd" };
  const x = {
    field: "ratio",
    type: "quantitative",
    scale: { type: "log", base: 2, domain: [ticks[0], ticks.at(-1)], nice: false },
    title: "Lanewise is this many times faster (left of 1: slower)",
    axis,
  };
  const y = { field: "model", type: "nominal", sort: null, title: null, axis: { labelLimit: 300, grid: true, gridColor: "#eee" } };
  const legend = { orient: "top", symbolSize: 80, symbolOpacity: 1, labelLimit: 300 };
  const look = (key) => ({
    field: "peer",
    type: "nominal",
    title: "than",
    scale: { domain: peers, range: peers.map((peer) => LOOKS[peer][key]) },
    legend,
  });
  const { spec } = compile({
    data: { values },
    width: 640,
    height: { step: 18 },
    padding: 12,
    background: "white",
    layer: [
      {
        mark: { type: "point", filled: true, size: 70, opacity: 0.85 },
        encoding: { x, y, color: look("color"), shape: look("shape") },
      },
      { mark: { type: "rule", color: "black" }, encoding: { x: { datum: 1 } } },
    ],
  });
  return new View(parse(spec)).toSVG();
}
