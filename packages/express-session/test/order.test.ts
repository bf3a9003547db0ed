import { setImmediate } from "node:timers/promises";
import { type Codec, json } from "@kv/core";
import { testBackends } from "@kv/test-backends";
import expressSession, { type SessionData } from "express-session";
import { describe, expect, test } from "vitest";
import { type SessionStore, type StoredSession, sessionStore } from "../src/index.ts";
import { promised } from "./promised.ts";

/** A codec whose first value takes the longest. */
function slowAtFirst(): Codec<StoredSession> {
  const inner = json<StoredSession>();
  let turns = 20;
  return {
    async encode(value) {
      for (let left = turns; left > 0; left -= 1) await setImmediate();
      turns = 0;
      return inner.encode(value);
    },
    decode: (bytes) => inner.decode(bytes),
  };
}

const codecs = [
  { codecName: "the codec in the box", codec: () => json<StoredSession>() },
  { codecName: "a codec that is slow at first", codec: slowAtFirst },
];

const cases = testBackends.flatMap((backend) => codecs.map((codec) => ({ ...backend, ...codec })));

describe.each(cases)("calls that nobody waits for, on $name with $codecName", ({ open, codec }) => {
  test.each<[string, (sessions: SessionStore) => void]>([
    ["destroy", (sessions) => sessions.destroy("a")],
    ["destroyStored", (sessions) => sessions.destroyStored(sessions.storedId("a"))],
    ["clear", (sessions) => sessions.clear()],
  ])("a save is not carried out after the %s that follows it", async (_, end) => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", codec: codec() }));
    const made = session(1);
    const first = sessions.set("a", made);
    end(sessions.store);
    await Promise.all([first, sessions.set("a", made)]); // the same object: it was destroyed
    expect(await sessions.ids()).toEqual([]);
  });

  test("of two saves the later one counts", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", codec: codec() }));
    await Promise.all([sessions.set("a", session(1)), sessions.set("a", session(2))]);
    expect(await sessions.get("a")).toMatchObject({ n: 2 });
  });

  test("a new session that is saved after clear stays", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", codec: codec() }));
    await Promise.all([
      sessions.set("a", session(1)),
      sessions.clear(),
      sessions.set("a", session(2)),
      sessions.set("b", session(3)),
      sessions.clear(),
      sessions.set("c", session(4)),
    ]);
    expect(await sessions.ids()).toEqual([sessions.store.storedId("c")]);
  });

  test("what follows a save that failed is carried out", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", codec: codec() }));
    const cyclic = session(1);
    Object.assign(cyclic, { cyclic });
    const [failed] = await Promise.allSettled([sessions.set("a", cyclic), sessions.set("a", session(2))]);
    expect(failed).toMatchObject({ reason: { code: "KV_INVALID_VALUE" } });
    expect(await sessions.get("a")).toMatchObject({ n: 2 });
  });
});

function session(n: number): SessionData {
  return { cookie: new expressSession.Cookie(), n };
}
