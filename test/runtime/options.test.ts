import { expect, test } from "vitest";
import { load } from "../../src/index.ts";
import { modelOf } from "../support/run-op.ts";
import { transposeGraph } from "../support/small-models.ts";

const wrong = null as never;

test("options that are no object are refused, and the model stays usable", async () => {
  await expect(load(new Uint8Array(9), wrong)).rejects.toMatchObject({
    code: "input",
    message: "options of load must be an object, found null",
  });
  const model = modelOf(transposeGraph());
  await expect(model.run({}, wrong)).rejects.toMatchObject({ code: "input" });
  expect(() => model.runSync({}, wrong)).toThrow("options of runSync must be an object, found null");
  expect(() => model.plan(wrong)).toThrow("shapes must be an object, found null");
  expect(model.plan().partial).toBe(false);
});
