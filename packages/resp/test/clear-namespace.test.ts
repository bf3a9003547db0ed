import { Buffer } from "node:buffer";
import type { FullStore } from "@kv/core";
import { expectCode } from "@kv/test-support";
import { describe, expect, onTestFinished, test } from "vitest";
import { respStore } from "../src/store/resp-store.ts";
import { FakeTransport } from "./fake-transport.ts";

const never = new Promise<never>(() => {});
const page = Promise.resolve([Buffer.from("7"), [Buffer.from("KV:key")]]);
const lastPage = Promise.resolve([Buffer.from("0"), []]);
const removed = Promise.resolve(1);
const refused = Promise.reject(Object.assign(new Error("LOADING its data"), { name: "ReplyError" }));
refused.catch(() => {});

describe("S7 a deleteAll that is cut short says that nothing was changed only where that is so", () => {
  test.each<[what: string, removal: Promise<unknown>, secondPage: Promise<unknown>]>([
    ["no answer after a removal", removed, never],
    ["no answer to a removal, nor after it", never, never],
    ["a refusal after a removal", removed, refused],
  ])("%s", async (_, removal, secondPage) => {
    const store = storeThatIsAnswered([page, secondPage], removal);
    await expectCode(store.deleteAll(), "KV_OUTCOME_UNKNOWN");
  });

  test("no answer after a later call found its key removed", async () => {
    const store = storeThatIsAnswered([never], removed);
    const emptied = store.deleteAll();
    expect(await store.get("key")).toBe(undefined);
    await expectCode(emptied, "KV_OUTCOME_UNKNOWN");
  });

  test.each<[what: string, pages: Promise<unknown>[], removal: Promise<unknown>]>([
    ["no answer before a removal", [never], never],
    ["a refusal before a removal", [refused], never],
    ["a refusal of the only removal", [page, lastPage], refused],
  ])("%s changes nothing", async (_, pages, removal) => {
    await expectCode(storeThatIsAnswered(pages, removal).deleteAll(), "KV_UNAVAILABLE");
  });
});

test("S7 a deleteAll does not resolve while the removal for a later call is not answered", async () => {
  const store = storeThatIsAnswered([lastPage], never);
  const emptied = store.deleteAll();
  await store.get("key");
  await expectCode(emptied, "KV_OUTCOME_UNKNOWN");
});

/** A store whose server answers SCAN with these pages, each UNLINK with this, and GET with nothing. */
function storeThatIsAnswered(pages: Promise<unknown>[], removal: Promise<unknown>): FullStore {
  const left = [...pages];
  const transport = new FakeTransport((name) => {
    if (name === "scan") return left.shift();
    return name === "unlink" ? removal : null;
  });
  const store = respStore("cut short", { transport, close: false }, { timeout: "50ms" });
  onTestFinished(() => store.close());
  return store;
}
