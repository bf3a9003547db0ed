import { type RunningServer, startStandalone } from "@kv/test-servers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands } from "../src/command-line/commands.ts";
import { redactor, withoutPassword } from "../src/terminal/secrets.ts";
import { runText } from "./run.ts";

const password = "s3cret/of ours@home";
const encoded = encodeURIComponent(password);

describe("a password", () => {
  let server: RunningServer;
  const urlOf = (secret: string): string => `redis://:${secret}@127.0.0.1:${server.port}`;

  beforeAll(async () => {
    server = await startStandalone({ kind: "redis", password });
  });
  afterAll(() => server.stop());

  const expectHidden = (text: string): void => {
    for (const spelling of [password, encoded, "s3cret"]) expect(text).not.toContain(spelling);
  };

  test("opens the store, and is shown by nothing that the command says", async () => {
    const url = urlOf(encoded);
    await runText(["set", url, "k", "v", "-n", "a"]);
    const { stdout, stderr, code } = await runText(["delete-all", url, "--progress"], {
      tty: true,
      input: "y\n",
    });
    expect(code).toBe(0);
    expect(stderr).toContain(`redis://:***@127.0.0.1:${server.port}`);
    expectHidden(stdout + stderr);

    await runText(["set", url, "k", "v", "-n", "b"]);
    const copied = await runText([
      "copy",
      url,
      url,
      "-n",
      "b",
      "--to-namespace",
      "b2",
      "--progress",
      "--json",
    ]);
    expect(copied.code).toBe(0);
    expectHidden(copied.stdout + copied.stderr);
  });

  test("that is wrong is not shown by the error", async () => {
    for (const wrong of ["wr0ng-s3cret", "wr0ng%20s3cret", "s3cret"]) {
      for (const args of [
        ["get", urlOf(wrong), "k"],
        ["get", urlOf(wrong), "k", "--json"],
        ["get", "env:STORE", "k"],
      ]) {
        const { code, stderr } = await runText(args, { env: { STORE: urlOf(wrong) } });
        expect(code).toBe(3);
        expect(stderr).toContain("KV_DENIED");
        expectHidden(stderr);
        expect(stderr).not.toContain("wr0ng");
      }
    }
  });

  test("is not shown by any mistake in the call", async () => {
    const addresses = [
      urlOf(encoded),
      urlOf(password), // not encoded: no URL at all
      `redis://${encoded}@127.0.0.1:1`,
      `redis://ada:${encoded}@127.0.0.1:1/x`,
      `redis://ada:${encoded}@127.0.0.1:1?wrong=1`,
      `postgres://ada:${password}@127.0.0.1`,
      `redis://:${password}@127.0.0.1:1`,
    ];
    for (const address of addresses) {
      for (const name of commands.keys()) {
        for (const args of [
          [name, address],
          [name, address, address],
          [name, address, "k", "--frobnicate"],
          [name, address, "k", "l", "m", address],
          [name, `--namespace=${address}${"x".repeat(300)}`, address, address],
          [address, name],
          [name, `--${address}`],
        ]) {
          const { stdout, stderr } = await runText(args, { input: "v" });
          expectHidden(stdout + stderr);
        }
      }
    }
  });
});

describe("withoutPassword", () => {
  test("leaves the rest as it is", () => {
    expect(withoutPassword("redis://ada:x@h:1/2?root=a")).toBe("redis://ada:***@h:1/2?root=a");
    expect(withoutPassword("redis://h:1")).toBe("redis://h:1");
    expect(withoutPassword("file:./a@b")).toBe("file:./a@b");
  });

  test("no text that was hidden holds a password, whatever it is made of", () => {
    // Of characters that no message is made of, to be found again.
    const secret = fc.string({ unit: fc.constantFrom("Ω", "$", "&", "@", "/", ":", "Ж"), minLength: 4 });
    fc.assert(
      fc.property(secret, fc.webUrl(), (chosen, other) => {
        for (const spelling of [chosen, encodeURIComponent(chosen)]) {
          const address = `redis://ada:${spelling}@host:6379`;
          const text = `${other} ${address} ${spelling} ${chosen}`;
          const hidden = redactor([address])(text);
          expect(hidden).not.toContain(chosen);
          expect(hidden).toContain("redis://ada:***@host:6379");
        }
      }),
    );
  });
});
