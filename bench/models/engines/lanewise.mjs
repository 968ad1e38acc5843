// This project, as built in dist/.
import { convert } from "../../../dist/convert.js";
import { load as loadModel, Tensor } from "../../../dist/index.js";

export const formats = ["onnx", "tflite"];

export async function load(bytes) {
  const tier = process.env.LANEWISE_TIER;
  const model = await loadModel(await convert(bytes), tier ? { tier } : {});
  return {
    note: model.tier,
    run: (inputs) =>
      model.run(Object.fromEntries(inputs.map(({ name, dataType, shape, data }) => [name, new Tensor(dataType, shape, data)]))),
  };
}
