import { replaceTime, type Timer } from "@kv/core/testing";
import { startStandalone } from "@kv/test-servers";
import { functionsEntered } from "@kv/test-support";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";

/** The functions of `@kv/resp` that one warm call enters. Fewer are welcome; more need a reason. */
const enteredBy = { get: 50, set: 47 };

export async function testCallPath(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  libraries: Readonly<Record<string, ClientLibrary>>,
): Promise<void> {
  const server = await startStandalone({ kind });
  afterAll(() => server.stop());

  describe.each(Object.entries(libraries))(`${kind}: functions entered over %s`, (_, library) => {
    test.each(Object.entries(enteredBy))("by one warm %s", async (name, count) => {
      // A timer that never fires: the one for deadlines serves many calls, and belongs to none.
      const replaced = replaceTime({ setTimeout: () => 0 as unknown as Timer });
      onTestFinished(() => replaced[Symbol.dispose]());
      const client = makeClient(library, { topology: "standalone", ports: [server.port] });
      const store = open({ client, closeClient: true, namespace: crypto.randomUUID() });
      const call = (): Promise<unknown> => (name === "get" ? store.get("key") : store.set("key", "a value"));
      await store.set("key", "a value");
      await call();
      const entered = await functionsEntered("resp", call);
      expect(entered.length, entered.join("\n")).toBeLessThanOrEqual(count);
      await store.close();
    });
  });
}
