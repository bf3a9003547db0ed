import { Buffer } from "node:buffer";
import type { FullStore } from "@kv/core";
import { until } from "@kv/test-servers";
import { expectCode, standStill } from "@kv/test-support";
import { describe, expect, onTestFinished, test } from "vitest";
import { Connection } from "../src/connection/connection.ts";
import { respStore } from "../src/store/resp-store.ts";
import { NotSentError } from "../src/transport/transport.ts";
import { FakeTransport, type Responder } from "./fake-transport.ts";

const patienceMs = 120_000;
const never: Responder = () => new Promise(() => {});
const found: Responder = () => Buffer.from("1");
const readOnly = Object.assign(new Error("READONLY You can't write against a read only replica."), {
  name: "ReplyError",
});
const refused: Responder = () => Promise.reject(readOnly);

function storeOver(transport: FakeTransport, timeout: "100ms" | "1m" = "100ms"): FullStore {
  const store = respStore("fake", { transport, close: false }, { timeout });
  onTestFinished(() => store.close());
  return store;
}

/** A store that makes a client for each connection, and those that it has made. */
function storeOfItsOwn(answers: readonly Responder[]): { store: FullStore; made: FakeTransport[] } {
  const made: FakeTransport[] = [];
  const open = async (): Promise<FakeTransport> => {
    const transport = new FakeTransport(answers[made.length] ?? found, "idle");
    transport.connect = () => queueMicrotask(() => transport.becomeReady());
    made.push(transport);
    return transport;
  };
  const store = respStore("fake", { open }, { timeout: "100ms" });
  onTestFinished(() => store.close());
  return { store, made };
}

/** The connection of a store that was passed a client that is ready. */
function connected(transport: FakeTransport): Connection {
  const listener = { ready() {}, failed() {} };
  const connection = new Connection({ transport, close: false }, 100, listener);
  connection.awaitReady(0);
  return connection;
}

describe("S7 a connection from which not a byte comes for timeout, while an answer is awaited, is given up", () => {
  test("where it is ready", async () => {
    const transport = new FakeTransport(never);
    const { link } = transport;
    await expectCode(storeOver(transport).set("a", "1"), "KV_OUTCOME_UNKNOWN");
    expect(link.destroyed).toBe(true);
  });

  test("where it took a while to send: what counts is since when the call waits", async () => {
    const transport = new FakeTransport(never);
    const { link } = transport;
    Object.defineProperty(transport, "state", {
      get() {
        standStill(4); // too short to be noticed
        return "ready";
      },
      set() {},
    });
    await expectCode(storeOver(transport).set("a", "1"), "KV_OUTCOME_UNKNOWN");
    expect(link.destroyed).toBe(true);
  });

  test("where it is being made: the next call gets another", async () => {
    const transport = new FakeTransport(found, "connecting");
    const store = storeOver(transport);
    await expectCode(store.set("a", "1"), "KV_UNAVAILABLE");
    expect(transport.link.destroyed).toBe(true);
    transport.becomeReady();
    expect(await store.exists("a")).toBe(true);
  });

  test("where a client is being made, and never is", async () => {
    const made: FakeTransport[] = [];
    let makeFirst: (transport: FakeTransport) => void = () => {};
    const open = async (): Promise<FakeTransport> => {
      const transport = new FakeTransport(found);
      made.push(transport);
      if (made.length > 1) return transport;
      return new Promise((resolve) => {
        makeFirst = resolve;
      });
    };
    const store = respStore("fake", { open }, { timeout: "100ms" });
    onTestFinished(() => store.close());
    await expectCode(store.set("a", "1"), "KV_UNAVAILABLE");
    await store.set("a", "1");
    const [first, second] = made;
    makeFirst(first as FakeTransport);
    await until("the late one is closed", patienceMs, () => (first?.state === "closed" ? true : undefined));
    await store.set("a", "1");
    expect(second?.sent).toEqual(["set", "set"]);
  });

  test("where calls follow each other, each shorter than timeout: it is the connection that counts", async () => {
    const transport = new FakeTransport(never);
    const { link } = transport;
    const store = storeOver(transport);
    while (!link.destroyed) await expectCode(store.set("a", "1"), "KV_OUTCOME_UNKNOWN", "KV_UNAVAILABLE");
  });

  test("but not where bytes come, though no answer is complete", async () => {
    const transport = new FakeTransport(never);
    const { link } = transport;
    const trickle = setInterval(() => {
      link.bytesRead += 1;
    }, 10);
    onTestFinished(() => clearInterval(trickle));
    await expectCode(storeOver(transport).get("a"), "KV_UNAVAILABLE");
    expect(link.destroyed).toBe(false);
  });

  test("but not where its owner waits for something that comes when it comes", async () => {
    const transport = new FakeTransport(never);
    transport.link.pinned = true;
    const store = storeOver(transport);
    for (let times = 0; times < 3; times += 1) await expectCode(store.set("a", "1"), "KV_OUTCOME_UNKNOWN");
    expect(transport.link.destroyed).toBe(false);
  });

  test("but not where its client would send the write again", async () => {
    const transport = new FakeTransport(never);
    transport.sendsAgain = true;
    const store = storeOver(transport);
    for (let times = 0; times < 3; times += 1) await expectCode(store.set("a", "1"), "KV_OUTCOME_UNKNOWN");
    expect(transport.link.destroyed).toBe(false);
  });

  test("and an idle one is left alone, also where its last answer came as it was looked at", () => {
    const transport = new FakeTransport(never);
    const connection = connected(transport);
    connection.sent(0);
    connection.drained();
    expect(connection.abandonIfSilent(50)).toBe(false);
    connection.sent(1_000);
    expect(connection.abandonIfSilent(1_050)).toBe(false);
    expect(connection.abandonIfSilent(1_099)).toBe(false);
    expect(transport.link.destroyed).toBe(false);
    expect(connection.abandonIfSilent(1_100)).toBe(true);
    expect(transport.link.destroyed).toBe(true);
  });

  test("and an idle one is left alone, however long", async () => {
    const transport = new FakeTransport(found);
    const store = storeOver(transport);
    await store.exists("a");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await store.exists("a");
    expect(transport.link.destroyed).toBe(false);
  });
});

describe("S7 a connection whose server became a replica", () => {
  test("is given up, once all that was sent to it is answered", async () => {
    let answer: (value: unknown) => void = () => {};
    const transport = new FakeTransport((name) =>
      name === "set"
        ? Promise.reject(readOnly)
        : new Promise((resolve) => {
            answer = resolve;
          }),
    );
    const { link } = transport;
    const store = storeOver(transport, "1m");
    const reading = store.get("a");
    await expectCode(store.set("a", "1"), "KV_READ_ONLY");
    expect(link.destroyed).toBe(false);
    answer(Buffer.from("1"));
    await reading;
    await until("it is given up", patienceMs, () => (link.destroyed ? true : undefined));
  });

  test.each<[what: string, write: (store: FullStore) => Promise<unknown>, reply: unknown]>([
    ["a script's answer", (store) => store.increment("n"), [[Buffer.from(readOnly.message)], 0]],
    [
      "a script's answer for one of many",
      (store) => Promise.all([store.touch("a", "1h"), store.touch("b", "1h")]),
      [1, [Buffer.from(readOnly.message)]],
    ],
  ])("is known by %s, too", async (_, write, reply) => {
    const transport = new FakeTransport(() => reply);
    const { link } = transport;
    await expectCode(write(storeOver(transport)), "KV_READ_ONLY");
    await until("it is given up", patienceMs, () => (link.destroyed ? true : undefined));
  });

  test.each(["before it is known", "when all is answered"])(
    "is left alone where its owner waits for something, %s",
    (moment) => {
      const transport = new FakeTransport(never);
      const connection = connected(transport);
      connection.sent(0);
      transport.link.pinned = moment === "before it is known";
      connection.demoted();
      transport.link.pinned = true;
      connection.drained();
      expect(transport.link.destroyed).toBe(false);
      expect(connection.readyTransport).toBe(transport);
    },
  );

  test("is left alone where its client would send again what its owner has sent", () => {
    const transport = new FakeTransport(never);
    transport.sendsAgain = true;
    const connection = connected(transport);
    connection.sent(0);
    connection.demoted();
    connection.drained();
    expect(transport.link.destroyed).toBe(false);
  });

  test("is followed by another, over which the next call goes", async () => {
    const { store, made } = storeOfItsOwn([refused]);
    await expectCode(store.set("a", "1"), "KV_READ_ONLY");
    await store.set("a", "1");
    expect(made.map(({ sent }) => sent)).toEqual([["set"], ["set"]]);
  });

  test("is replaced no more than once a second: the next may lead to a replica, too", async () => {
    const { store, made } = storeOfItsOwn(Array(100).fill(refused));
    const beganMs = performance.now();
    for (let times = 0; times < 20; times += 1) await expectCode(store.set("a", "1"), "KV_READ_ONLY");
    expect(made.length).toBeLessThanOrEqual(2 + (performance.now() - beganMs) / 1_000);
  });
});

test("S7 a read goes on over the next connection, where its own was lost", async () => {
  const { store, made } = storeOfItsOwn([never, found]);
  const read = store.get("a");
  await until("it was sent", patienceMs, () => (made[0]?.sent.length === 1 ? true : undefined));
  made[0]?.destroy();
  expect(await read).toEqual(new Uint8Array(Buffer.from("1")));
});

test("S7 a write that the client did not send is KV_UNAVAILABLE, and says why", async () => {
  const store = storeOver(new FakeTransport(() => Promise.reject(new NotSentError("It takes none now."))));
  await expectCode(store.set("a", "1"), "KV_UNAVAILABLE");
  await expect(store.set("a", "1")).rejects.toThrow("nothing was sent: It takes none now.");
});

test("S7 L2 a pause between attempts that ends late begins no second attempt while one is in progress", async () => {
  const made: FakeTransport[] = [];
  const open = async (): Promise<FakeTransport> => {
    if (made.length > 0) await new Promise((resolve) => setTimeout(resolve, 30));
    const transport = new FakeTransport(found, "idle");
    const isFirst = made.push(transport) === 1;
    transport.connect = () =>
      queueMicrotask(() => (isFirst ? transport.fail(new Error("refused")) : transport.becomeReady()));
    return transport;
  };
  const store = respStore("fake", { open }, { timeout: "1m" });
  await expectCode(store.get("a"), "KV_UNAVAILABLE");
  const waiting = store.get("b"); // for the pause
  await new Promise((resolve) => setImmediate(resolve));
  standStill(150);
  await Promise.all([waiting, store.exists("c")]);
  await store.close();
  expect(made.map(({ state, listeners }) => [state, listeners])).toEqual([
    ["closed", 0],
    ["closed", 0],
  ]);
});

test("S7 an event loop that stands still again and again takes no time from a call", async () => {
  let answer: (value: unknown) => void = () => {};
  const transport = new FakeTransport(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const read = storeOver(transport).get("a");
  for (let turns = 0; turns < 6; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    standStill(130);
  }
  answer(Buffer.from("1"));
  await read;
});

test("S7 a client that its owner has closed leaves the event loop its turns, however often it is asked", async () => {
  const store = storeOver(new FakeTransport(found, "closed"));
  const timer = { fired: false };
  setTimeout(() => {
    timer.fired = true;
  }, 20);
  while (!timer.fired) await expectCode(store.get("a"), "KV_UNAVAILABLE");
});

test("S7 after standing still it is not the next call that finds the connection silent, unread as it is", () => {
  const transport = new FakeTransport(never);
  const connection = connected(transport);
  connection.sent(0);
  connection.sent(1_000); // bytes may have come meanwhile, and lie unread
  expect(transport.link.destroyed).toBe(false);
});

test("S7 a client that throws, or an invalid answer, fails the call immediately", async () => {
  for (const answer of [7, undefined]) {
    await expectCode(storeOver(new FakeTransport(() => answer), "1m").getMany(["a", "b"]), "KV_UNAVAILABLE");
  }
  const corked = new FakeTransport(found);
  corked.inOneWrite = () => {
    throw new Error("a fault of the client's");
  };
  const many = storeOver(corked);
  await Promise.all([
    expectCode(many.set("a", "1"), "KV_UNAVAILABLE"),
    expectCode(many.get("b"), "KV_UNAVAILABLE"),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(corked.link.destroyed).toBe(false); // nothing was sent, so no answer is owed
  const asleep = new FakeTransport(found, "idle");
  asleep.connect = () => {
    throw new Error("a fault of the client's");
  };
  await expectCode(storeOver(asleep, "1m").set("a", "1"), "KV_UNAVAILABLE");
  for (const answer of [undefined, 7, "no array"]) {
    await expectCode(storeOver(new FakeTransport(() => answer), "1m").increment("n"), "KV_OUTCOME_UNKNOWN");
  }
  const throwing = new FakeTransport(found);
  throwing.send = () => {
    throw new Error("a fault of the client's");
  };
  await expectCode(storeOver(throwing, "1m").set("a", "1"), "KV_OUTCOME_UNKNOWN");
});

test("S7 of 100,000 calls of one tick those that wait for others are not sent, nor are they later", async () => {
  const transport = new FakeTransport(never);
  const store = storeOver(transport);
  const codes = new Map<string, number>();
  await Promise.all(
    Array.from({ length: 100_000 }, (_, at) =>
      store.set(`${at}`, "x", { expiresIn: "1h" }).catch(({ code }: { code: string }) => {
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }),
    ),
  );
  const sent = codes.get("KV_OUTCOME_UNKNOWN") ?? 0;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(20_000);
  expect(codes.get("KV_UNAVAILABLE")).toBe(100_000 - sent);
  const commands = transport.sent.length;
  transport.becomeReady();
  await expectCode(store.get("a"), "KV_UNAVAILABLE");
  expect(transport.sent.slice(commands)).toEqual(["get"]);
});

test("S7 what is too late is not sent, though there is room for it by then", async () => {
  let answerAll: () => void = () => {};
  const answered = new Promise((resolve) => {
    answerAll = () => resolve(null);
  });
  const transport = new FakeTransport(() => answered);
  const trickle = setInterval(() => {
    transport.link.bytesRead += 1; // it is not silent
  }, 10);
  onTestFinished(() => clearInterval(trickle));
  const store = storeOver(transport);
  let sentBefore = 0;
  await Promise.allSettled(
    Array.from({ length: 40_000 }, (_, at) =>
      store.exists(`${at}`).catch(() => {
        sentBefore ||= transport.sent.length;
        answerAll();
      }),
    ),
  );
  expect(sentBefore).toBeGreaterThan(0);
  expect(transport.sent.length).toBe(sentBefore);
});

test("S7 what a burst asks for is sent in slices, between which the event loop has its turns", async () => {
  const transport = new FakeTransport((_, args) => args.map(() => null));
  const store = storeOver(transport, "1m");
  let turns = 0;
  let going = true;
  const count = (): void => {
    turns += 1;
    if (going) setImmediate(count);
  };
  const calls = Array.from({ length: 50_000 }, (_, at) => store.get(`${at}`));
  count();
  await Promise.all(calls);
  going = false;
  expect(turns).toBeGreaterThan(10);
});
