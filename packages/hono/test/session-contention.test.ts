import { memoryStore } from "@kv/memory";
import { Hono } from "hono";
import { afterEach, expect, test, vi } from "vitest";
import { type SessionEnv, sessions } from "../src/index.ts";
import { counting } from "./counting-store.ts";
import { newGate } from "./gate.ts";

afterEach(() => {
  vi.useRealTimers();
});

interface Visitor {
  readonly visits: number;
}

type Change = (visitor: Visitor | undefined) => Visitor | Promise<Visitor>;

const seeAgain: Change = (visitor) => ({ visits: (visitor?.visits ?? 0) + 1 });

/** An application with one visitor, who has been there once unless the cookie says more. */
async function start({ store, calls } = counting(memoryStore()), cookie?: string) {
  const app = new Hono<SessionEnv<Visitor>>().use(sessions<Visitor>(store, { onOutage: "refuse" }));
  const changes: Change[] = [];
  let hold = async (): Promise<void> => {};
  app.get("/", (c) => c.json(c.var.session.data));
  app.get("/update", async (c) => {
    const change = changes.shift() ?? seeAgain;
    await hold();
    return c.json(await c.var.session.update(change));
  });
  app.get("/regenerate", async (c) => {
    await hold();
    await c.var.session.regenerate();
    return c.json(c.var.session.data);
  });
  const own = cookie ?? (await app.request("/update")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const ask = async (path: string): Promise<Response> => app.request(path, { headers: { cookie: own } });
  return {
    store,
    calls,
    cookie: own,
    /** An update in a request of its own. */
    update(change: Change = seeAgain): Promise<Response> {
      changes.push(change);
      return ask("/update");
    },
    regenerate: () => ask("/regenerate"),
    visits: async () => ((await (await ask("/")).json()) as Visitor).visits,
    /** Lets requests that have read their session go on once so many have. */
    holdUntil(count: number) {
      const gate = newGate(count);
      hold = () => gate.pass();
      return gate;
    },
  };
}

const many = 200;

test("many updates of one session at once are all there, at three calls of the store each", async () => {
  const { update, calls, visits, holdUntil } = await start();
  const gate = holdUntil(many);
  const updates = Array.from({ length: many }, () => update());
  await gate.reached;
  calls.splice(0);
  gate.open();
  await Promise.all(updates);
  expect(calls.length).toBeLessThanOrEqual(3 * many);
  expect(await visits()).toBe(many + 1);
});

test("a new id among many updates goes on with each update that did not come too late", async () => {
  const { update, regenerate, holdUntil } = await start();
  const gate = holdUntil(many + 1);
  const updates = Array.from({ length: many }, () => update());
  const regenerated = regenerate();
  await gate.reached;
  gate.open();
  const statuses = (await Promise.all(updates)).map(({ status }) => status);
  const written = statuses.filter((status) => status === 200).length;
  expect(statuses.filter((status) => status === 409)).toHaveLength(many - written);
  expect(await (await regenerated).json()).toEqual({ visits: written + 1 });
});

test("two applications on one store in one process lose no update of a session", async () => {
  const one = await start();
  const other = await start(one, one.cookie);
  const gates = [one, other].map(({ holdUntil }) => holdUntil(20));
  const updates = [one, other].flatMap(({ update }) => Array.from({ length: 20 }, () => update()));
  for (const gate of gates) await gate.reached;
  for (const gate of gates) gate.open();
  await Promise.all(updates);
  expect(await one.visits()).toBe(41);
});

test("a change that waits for another update of the same session is made on what that one wrote", async () => {
  const { update, visits } = await start();
  let isFirst = true;
  const response = await update(async (visitor) => {
    if (isFirst) {
      isFirst = false;
      await update();
    }
    return seeAgain(visitor);
  });
  expect(response.status).toBe(200);
  expect(await visits()).toBe(3);
});

test("a change that waits for an update that is behind it in the queue gets on", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { update, visits } = await start();
  let outer = 0;
  let inner = 0;
  let response: Response | undefined;
  const waiting = update(async (visitor) => {
    outer += 1;
    if (outer === 1) await update(); // so that this one has to queue
    if (outer === 2) {
      await update(async (again) => {
        inner += 1;
        if (inner === 1) await update(); // and that one, behind it
        return seeAgain(again);
      });
    }
    return seeAgain(visitor);
  }).then((answer) => {
    response = answer;
  });
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(1_000);
    expect(response?.status).toBe(200);
  }, 60_000);
  await waiting;
  expect(await visits()).toBe(5);
});

test("a change that never settles holds up none of the other updates for long", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { update, visits } = await start();
  let tries = 0;
  void update(async (visitor) => {
    tries += 1;
    if (tries === 1) await update();
    else await new Promise(() => {});
    return seeAgain(visitor);
  });
  await vi.waitFor(() => expect(tries).toBe(2), 60_000); // from here on it has the turn
  let isFirst = true;
  const behind = update(async (visitor) => {
    if (isFirst) {
      isFirst = false;
      await update();
    }
    return seeAgain(visitor);
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await behind).status).toBe(200);
  expect(await visits()).toBe(4);
});
