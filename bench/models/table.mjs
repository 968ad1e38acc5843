// The bench as a Markdown table: milliseconds of each engine, and how many times faster than it Lanewise is.

/** A line for each peer that some model ran in: the mean ratio and the lowest. */
export function meansOf(rows, peers) {
  return peers.flatMap((peer) => {
    const ratios = rows.map(({ engines }) => engines[peer]?.ratio).filter(Boolean);
    if (ratios.length === 0) return [];
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    return [`${peer}: ${mean.toFixed(2)}× (geometric mean of ${ratios.length} models), at least ${Math.min(...ratios).toFixed(2)}×`];
  });
}

/** "peer: reason (models)" for what some peer could not run, once a reason. */
function failuresOf(rows, peers) {
  const failed = new Map();
  for (const { model, engines } of rows)
    for (const peer of peers) {
      const { error } = engines[peer] ?? {};
      if (error) failed.set(`${peer}: ${error}`, [...(failed.get(`${peer}: ${error}`) ?? []), model]);
    }
  return [...failed].map(([reason, models]) => `- ${reason.replaceAll(/\s+/g, " ")} (${models.join(", ")})`);
}

/** Text for the rows of index.mjs; models that some engine cannot run say so, with the reason below. */
export function tableOf({ machine, version, date, rows }, peers) {
  const cell = (result) => {
    if (!result) return "";
    if (result.error) return "fails";
    return `${result.ms.toPrecision(3)}${result.ratio ? ` (${result.ratio.toFixed(2)}×)` : ""}`;
  };
  const ran = rows.filter(({ engines }) => !engines.lanewise?.error);
  const refused = rows.filter(({ engines }) => engines.lanewise?.error).map(({ model }) => model);
  const failures = failuresOf(ran, peers);
  return [
    `${machine}, ${version}, one thread, ${date}. Milliseconds, medians; in brackets how many times faster Lanewise is.`,
    "",
    `| model | 10⁶ multiply-adds | Lanewise | ${peers.join(" | ")} |`,
    `|---|---:|---:|${peers.map(() => "---:|").join("")}`,
    ...ran.map(
      ({ model, mmac, engines }) =>
        `| ${[model, mmac.toFixed(1), cell(engines.lanewise), ...peers.map((peer) => cell(engines[peer]))].join(" | ")} |`,
    ),
    "",
    ...meansOf(ran, peers).map((line) => `- ${line}`),
    ...(failures.length ? ["", "What fails, and why:", "", ...failures] : []),
    ...(refused.length ? ["", `Refused by Lanewise, so not in the table: ${refused.join(", ")}.`] : []),
    "",
  ].join("\n");
}
