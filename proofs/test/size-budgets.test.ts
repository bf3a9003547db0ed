import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./consumer.ts";

test("no package is more than 5 % over its size budget", async () => {
  const script = join(import.meta.dirname, "../../scripts/size-budgets.mjs");
  const problems = await run(process.execPath, [script]).then(
    () => "",
    (error: { readonly stderr: string }) => error.stderr,
  );
  expect(problems, problems).toBe("");
});
