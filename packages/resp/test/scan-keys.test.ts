import { Buffer } from "node:buffer";
import type { FullStore } from "@kv/core";
import { expectCode } from "@kv/test-support";
import { describe, expect, onTestFinished, test } from "vitest";
import { respStore } from "../src/store/resp-store.ts";
import { FakeTransport } from "./fake-transport.ts";

/** The answer of SCAN to each cursor: the next one, and a key. */
type Pages = Readonly<Record<string, readonly [next: string, key: string]>>;

const two: Pages = { "0": ["7", "a"], "7": ["0", "b"] };
const others: Pages = { "0": ["9", "a"], "9": ["0", "b"] };

/** Servers of which a client reaches one at a time, each by its name. */
class Servers {
  name = "A";
  readonly asked: string[] = [];
  readonly transport: FakeTransport;
  readonly store: FullStore;
  readonly #pagesOf: (name: string) => Pages;
  refusal: Error | undefined;
  /** Holds back the answer to a SCAN. */
  held: Promise<unknown> = Promise.resolve();

  constructor(pagesOf: (name: string) => Pages = () => two) {
    this.#pagesOf = pagesOf;
    this.transport = new FakeTransport(async (name, args) => {
      if (name === "info") return Buffer.from(`# Server\r\nrun_id:${this.name}\r\n`);
      if (name !== "scan") {
        if (this.refusal !== undefined) throw this.refusal;
        return Buffer.from("OK");
      }
      const at = this.name;
      const cursor = String(args[0]);
      this.asked.push(`${cursor} at ${at}`);
      await this.held;
      const [next, key] = this.#pagesOf(at)[cursor] ?? ["0", "nobody's"];
      return [Buffer.from(next), [Buffer.from(`KV:${key}`)]];
    });
    this.store = respStore("fake", { transport: this.transport, close: false }, {});
    onTestFinished(() => this.store.close());
  }

  /** The connection is lost, and the next one leads to that server. */
  leadTo(name: string): void {
    this.transport.link.destroy();
    this.name = name;
    this.transport.becomeReady();
  }
}

function keysOf({ store }: Servers): AsyncIterator<string> {
  return store.keys()[Symbol.asyncIterator]();
}

async function rest(keys: AsyncIterator<string>): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const { done, value } = await keys.next();
    if (done === true) return all;
    all.push(value);
  }
}

describe("N6 a cursor", () => {
  test("holds over another connection to the same server", async () => {
    const servers = new Servers();
    const keys = keysOf(servers);
    expect(await keys.next()).toEqual({ done: false, value: "a" });
    servers.leadTo("A");
    expect(await rest(keys)).toEqual(["b"]);
    expect(servers.asked).toEqual(["0 at A", "7 at A"]);
  });

  test("is given to no other server: that one is scanned from the beginning", async () => {
    const servers = new Servers((name) => (name === "A" ? two : others));
    const keys = keysOf(servers);
    await keys.next();
    servers.leadTo("B");
    expect(await rest(keys)).toEqual(["a", "b"]);
    expect(servers.asked).toEqual(["0 at A", "0 at B", "9 at B"]);
  });

  test("is given to no other server, where the page was asked for before its connection was lost", async () => {
    const servers = new Servers((name) => (name === "A" ? two : others));
    const keys = keysOf(servers);
    await keys.next();
    const next = keys.next();
    servers.leadTo("B"); // nothing was sent yet
    await next;
    await rest(keys);
    expect(servers.asked).toEqual(["0 at A", "0 at B", "9 at B"]);
  });

  test("is given to no other server, where the first is demoted while it answers", async () => {
    const servers = new Servers((name) => (name === "A" ? two : others));
    let answer: (value: unknown) => void = () => {};
    servers.held = new Promise((resolve) => {
      answer = resolve;
    });
    const keys = keysOf(servers);
    const first = keys.next();
    await new Promise((resolve) => setImmediate(resolve));
    servers.refusal = Object.assign(new Error("READONLY You can't write against a read only replica."), {
      name: "ReplyError",
    });
    await expectCode(servers.store.set("a", "1"), "KV_READ_ONLY");
    answer(undefined);
    await first;
    servers.leadTo("B");
    await rest(keys);
    expect(servers.asked).toEqual(["0 at A", "0 at B", "9 at B"]);
  });

  test("that no server keeps for long ends in an error, and not in an endless listing", async () => {
    const servers = new Servers();
    const listing = async (): Promise<void> => {
      let number = 0;
      for await (const _ of servers.store.keys()) {
        number += 1;
        servers.leadTo(`B${number}`);
      }
    };
    await expectCode(listing(), "KV_UNAVAILABLE");
    expect(servers.asked.length).toBeLessThan(20);
  });
});

test("N5 deleteAll leaves nothing of a server that takes the place of another", async () => {
  const servers = new Servers((name) => (name === "A" ? two : others));
  let answer: (value: unknown) => void = () => {};
  servers.held = new Promise((resolve) => {
    answer = resolve;
  });
  const emptied = servers.store.deleteAll();
  await new Promise((resolve) => setImmediate(resolve));
  servers.leadTo("B");
  answer(undefined);
  await emptied;
  expect(servers.asked.slice(1)).toEqual(["0 at B", "9 at B"]);
});
