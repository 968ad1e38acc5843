// The bench as a Markdown table: milliseconds of each engine, and how many times faster than it Lanewise is.

/** Text for the rows of index.mjs; models that some engine cannot run say so. */
export function tableOf({ machine, node, date, rows }, peers) {
  const cell = (result) => {
    if (!result) return "";
    if (result.error) return "fails";
    return `${result.ms.toPrecision(3)}${result.ratio ? ` (${result.ratio.toFixed(2)}×)` : ""}`;
  };
  const ran = rows.filter(({ engines }) => !engines.lanewise?.error);
  const refused = rows.filter(({ engines }) => engines.lanewise?.error).map(({ model }) => model);
  const means = peers.flatMap((peer) => {
    const ratios = ran.map(({ engines }) => engines[peer]?.ratio).filter(Boolean);
    if (ratios.length === 0) return [];
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    return [`${peer}: ${mean.toFixed(2)}× (geometric mean of ${ratios.length} models), at least ${Math.min(...ratios).toFixed(2)}×`];
  });
  return [
    `${machine}, Node ${node}, one thread, ${date}. Milliseconds, medians; in brackets how many times faster Lanewise is.`,
    "",
    `| model | 10⁶ multiply-adds | Lanewise | ${peers.join(" | ")} |`,
    `|---|---:|---:|${peers.map(() => "---:|").join("")}`,
    ...ran.map(
      ({ model, mmac, engines }) =>
        `| ${[model, mmac.toFixed(1), cell(engines.lanewise), ...peers.map((peer) => cell(engines[peer]))].join(" | ")} |`,
    ),
    "",
    ...means.map((line) => `- ${line}`),
    ...(refused.length ? ["", `Refused by Lanewise, so not in the table: ${refused.join(", ")}.`] : []),
    "",
  ].join("\n");
}
