import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

test("the tour, as the README's command runs it, keeps what it is given", { timeout: 120_000 }, async () => {
  const { stdout, stderr } = await run(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", "examples/tour/src/main.ts"],
    { cwd: new URL("../../../", import.meta.url) },
  );
  expect(stderr).toBe("");
  expect(stdout).not.toMatch(/DIFFERENT|STILL THERE|TIMES/);
  for (const line of [
    /LICENSE .* the same, byte for byte/,
    /@kv\/core .*store interface/,
    /a moment later {7}59\.\d{3} s left/,
    /gone, to the millisecond/,
    /a\/drafts {3}nothing/,
    /ab {9}"tenant ab"/,
    /five hits at once {4}1, 2, 3, 4, 5/,
    /computed once/,
    /TypeError: expiresIn must be a number and a unit/,
    /KV_STORE_EXISTS/,
  ]) {
    expect(stdout).toMatch(line);
  }
});
