// This project, as built in dist/.
import { convert } from "../../../dist/convert.js";
import { load as loadModel, Tensor } from "../../../dist/index.js";

export async function load(bytes) {
  const tier = globalThis.process?.env.LANEWISE_TIER;
  const model = await loadModel(await convert(bytes), tier ? { tier } : {});
  return {
    note: model.tier,
    async run(inputs) {
      const tensors = inputs.map(({ name, dataType, shape, data }) => [name, new Tensor(dataType, shape, data)]);
      const outputs = await model.run(Object.fromEntries(tensors));
      return Object.values(outputs).map(({ data }) => data);
    },
  };
}
