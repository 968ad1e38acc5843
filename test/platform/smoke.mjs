// The same check in every runtime: the built package must give the digits goldens, in every tier that runs there.
// Nothing here is a runtime's own: files come in as bytes.

const TOLERANCE = 1e-4;

/** Runs both digits models in each tier; returns a line of text, or throws. */
export async function smoke(lanewise, { models, goldens, wasm }) {
  const { load, Tensor, capabilities } = lanewise;
  const tiers = capabilities().relaxedSimd ? ["simd128", "relaxed"] : ["simd128"];
  const worst = {};
  for (const tier of tiers)
    for (const [name, bytes] of Object.entries(models)) {
      const model = await load(bytes, { tier, ...(wasm && { wasm }) });
      worst[`${name} ${tier}`] = await compare(model, Tensor, goldens.images, goldens.scores[name]);
      model.dispose();
    }
  for (const [what, difference] of Object.entries(worst)) {
    if (!(difference <= TOLERANCE)) throw new Error(`${what}: scores differ from the golden by ${difference}`);
  }
  const refused = await load(new Uint8Array([60, 104, 116, 109, 108, 62])).then(
    () => "nothing",
    (error) => error.code,
  );
  if (refused !== "format") throw new Error(`a web page instead of a model gave ${refused}, expected the error code "format"`);
  return `${Object.keys(models).join(", ")} match their goldens in ${tiers.join(" and ")}`;
}

async function compare(model, Tensor, images, expected) {
  let worst = 0;
  for (const [i, pixels] of images.entries()) {
    const image = new Tensor(
      "float32",
      [1, 28, 28, 1],
      Float32Array.from(pixels, (x) => x / 255),
    );
    const { scores } = await model.run({ image });
    for (const [k, score] of expected[i].entries()) {
      // An int8 answer may be one step from the reference's; a step of these scores is below 0.25.
      const difference = Math.abs(scores.data[k] - score);
      worst = Math.max(worst, difference);
    }
  }
  return worst;
}
