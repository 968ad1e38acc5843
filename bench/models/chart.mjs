// The bench as a picture: how many times faster than each peer, a row a model, on a logarithmic axis.
import { parse, View } from "vega";
import { compile } from "vega-lite";

/** SVG text for the rows of index.mjs. */
export async function drawChart(rows) {
  const values = rows.flatMap(({ model, engines }) =>
    Object.entries(engines).flatMap(([peer, { ratio }]) => (ratio ? [{ model, peer, ratio: Number(ratio.toFixed(2)) }] : [])),
  );
  const x = {
    field: "ratio",
    type: "quantitative",
    scale: { type: "log", domain: [0.2, 20] },
    title: "Lanewise is this many times faster (left of 1: slower)",
  };
  const y = { field: "model", type: "nominal", sort: null, title: null, axis: { labelLimit: 300 } };
  const { spec } = compile({
    data: { values },
    width: 560,
    height: { step: 20 },
    background: "white",
    layer: [
      { mark: { type: "rule", strokeDash: [4, 4] }, encoding: { x: { datum: 1 } } },
      { mark: { type: "point", filled: true, size: 70 }, encoding: { x, y, color: { field: "peer", type: "nominal", title: "against" } } },
      { mark: { type: "text", dx: 8, align: "left", fontSize: 9 }, encoding: { x, y, text: { field: "ratio" } } },
    ],
  });
  return new View(parse(spec)).toSVG();
}
