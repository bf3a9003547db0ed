import { describe, expect, test } from "vitest";
import { commands } from "../src/command-line/commands.ts";
import { runText } from "./run.ts";

const nowhere = "redis://127.0.0.1:1";

describe("kv used wrongly", () => {
  test.each([
    [[], "Start with: kv keys redis://localhost:6379. See kv --help."],
    [["frobnicate", nowhere], 'There is no command "frobnicate". See kv --help.'],
    [["gte", nowhere, "k"], 'There is no command "gte". Did you mean "get"? See kv --help.'],
    [["deleteall", nowhere], 'no command "deleteall". Did you mean "delete-all"?'],
    [["--hlep"], 'There is no command "--hlep". Did you mean "--help"?'],
    [["--timeout", "1s", "get", nowhere], 'There is no command "--timeout". The command comes first'],
    [["get"], "get takes STORE KEY, and none was given: STORE, KEY missing. See kv get --help."],
    [["get", nowhere], "get takes STORE KEY, and 1 was given: KEY missing. See kv get --help."],
    [["get", nowhere, "a", "b"], "get takes STORE KEY, and 3 were given. See kv get --help."],
    [["delete", nowhere], "delete takes STORE KEY..., and 1 was given: KEY missing."],
    [["copy", nowhere], "copy takes FROM TO, and 1 was given: TO missing."],
    [["get", nowhere, "k", "--yes"], 'get has no option "--yes". See kv get --help.'],
    [["get", "--jsn"], 'get has no option "--jsn". Did you mean "--json"? See kv get --help.'],
    [["get", nowhere, "k", "--namspace=a"], 'no option "--namspace". Did you mean "--namespace"?'],
    [["get", nowhere, "k", "-json"], 'get has no option "-json". Did you mean "--json"?'],
    [["get", nowhere, "k", "-x"], 'get has no option "-x".'],
    [["get", nowhere, "k", "--__proto__"], "get has no option of that form."],
    [["get", nowhere, "k", "--constructor"], 'get has no option "--constructor".'],
    [["get", nowhere, "-1"], 'get has no option "-1". A key that begins with a dash goes after --.'],
    [["get", nowhere, "k", "--namespace"], "--namespace needs a value: --namespace NAME. See kv get --help."],
    [["get", nowhere, "k", "-n"], "--namespace needs a value: --namespace NAME."],
    [
      ["get", nowhere, "k", "-n", "--json"],
      "--namespace needs a value: --namespace NAME, or --namespace=NAME for one that begins with a dash.",
    ],
    [["get", nowhere, "k", "--json=yes"], "--json takes no value."],
    [
      ["get", nowhere, "k", "--namespace", ""],
      "--namespace: The name of a namespace must have 1 to 255 bytes",
    ],
    [["set", nowhere, "k", "v", "--expires-in", "60"], "--expires-in must be a number and a unit"],
    [["set", nowhere, "k", "v", "--expires-in", "0s"], "--expires-in must be longer than 0"],
    [["get", nowhere, "k", "--timeout", "soon"], "--timeout must be a number and a unit"],
    [["set", nowhere, "k", "v", "--keep-expiry", "--expires-in", "1m"], "--keep-expiry cannot be combined"],
    [["set", nowhere, "k", "v", "--keep-expiry", "--if-absent"], "--keep-expiry cannot be combined"],
    [["get", "mysql://127.0.0.1", "k"], 'no store "mysql://127.0.0.1"'],
    [["get", "files:./data", "k"], 'no store "files:./data". Did you mean "file:"? A store is'],
    [["get", "reddis://:s3cret@h", "k"], 'no store "reddis://:***@h". Did you mean "redis:"?'],
    [["get", "memory:", "k"], 'no store "memory:". A store is'],
    [["get", "file:./data?rot=x", "k"], 'no option "rot"'],
    [["get", "file:./a#b", "k"], "must be percent-encoded"],
    [["get", "./data", "k"], 'no store "./data"'],
    [["get", "file:", "k"], "needs a folder"],
    [["get", "file://a%2Fb", "k"], "is not a valid path"],
    [["get", "file:./no/such/folder", "k"], "There is no folder"],
    [["keys", `file:${import.meta.filename}`], "There is no folder"],
    [["get", "env:NOT_SET", "k"], "The environment variable NOT_SET is not set"],
    [["get", "redis://127.0.0.1:1/x", "k"], 'url must be like "redis://'],
    [["get", "redis://127.0.0.1:1?rot=x", "k"], "with ?root=NAME"],
    [["get", "redis://127.0.0.1:1?root=", "k"], "The name of a namespace must have 1 to 255 bytes"],
    [["get", "redis://", "k"], "is not a valid address"],
    [["copy", nowhere, nowhere], "Source and target are the same namespace"],
    [["copy", "redis://Host", "rediss://host:6379/?root=KV"], "Source and target are the same namespace"],
    [["copy", nowhere, "valkey://127.0.0.1:1/0", "-n", "a"], "Source and target are the same namespace"],
    [
      ["copy", nowhere, nowhere, "-n", "a", "--to-namespace", "a", "--to-namespace", "b"],
      "one contains the other",
    ],
    [["copy", "file:./x?root=a", "file:x", "-n", "b", "--to-namespace", "a"], "one contains the other"],
    [
      ["copy", "file:./x", "file:x/../x", "-n", "a", "-n", "b", "--to-namespace", "a"],
      "one contains the other",
    ],
  ])("%j ends with 2 and says what is wrong", async (args, message) => {
    const { code, stdout, stderr } = await runText(args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2); // one line, and no stack
  });

  test("--json reports it in JSON", async () => {
    const { code, stderr } = await runText(["get", nowhere, "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: "USAGE", message: expect.stringContaining("get takes STORE KEY") },
    });
  });

  test("a namespace whose name begins with that of another is not in it", async () => {
    const { stderr } = await runText(["copy", nowhere, nowhere, "-n", "a", "--to-namespace", "ab"]);
    expect(stderr).toContain("KV_UNAVAILABLE");
  });
});

describe("kv --help", () => {
  test("names every command, and the help of each lists its options", async () => {
    const general = await runText(["--help"]);
    expect(general).toMatchObject({ code: 0, stderr: "" });
    for (const [name, { operands, options }] of commands) {
      expect(general.stdout).toContain(`  ${name} ${operands}`);
      const own = await runText([name, "--help"]);
      expect(own).toMatchObject({ code: 0, stderr: "" });
      expect(own.stdout).toContain(`Usage: kv ${name} ${operands}`);
      for (const option of options) expect(own.stdout).toContain(`--${option}`);
    }
    expect(await runText(["help"])).toEqual(general);
  });

  test("--version prints the version", async () => {
    expect(await runText(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
