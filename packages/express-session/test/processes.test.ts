import { once } from "node:events";
import { sharedBackends, startWorker } from "@kv/test-backends";
import { describe, expect, test } from "vitest";
import { browser } from "./browser.ts";
import { siteKinds } from "./sites.ts";

const module = new URL("site-process.ts", import.meta.url);

const kinds = siteKinds
  .slice(0, 2)
  .flatMap((site) => sharedBackends.map((backend) => ({ ...site, ...backend })));

describe.each(kinds)("$kind on $name, in two processes", { timeout: 300_000 }, ({ kind, start, open }) => {
  test("log-out in one is not undone by a save in the other", async () => {
    await using backend = await open();
    await using here = await start(backend.store);
    await using worker = await startWorker(module, { place: backend.place, kind });
    const { url } = worker.ready as { url: string };
    const ada = browser(here.url);
    await ada.post("/login");
    expect((await browser(url, ada.cookie).get("/look")).body["user"]).toBe("ada");

    const held = once(worker.process, "message");
    worker.process.send("hold");
    await held;
    const reached = once(worker.process, "message");
    const slow = browser(url, ada.cookie).get("/slow");
    await reached;
    expect((await browser(here.url, ada.cookie).post("/logout")).status).toBe(204);
    worker.process.send("release");
    expect((await slow).status).toBe(200);

    for (const site of [here.url, url]) {
      expect((await browser(site, ada.cookie).get("/look")).body["user"]).toBeUndefined();
    }
    for await (const key of backend.store.keys()) expect.fail(`${key} is there again`);
  });

  test("of many saves at a time in both one counts, whole, and a log-out among them ends them all", async () => {
    await using backend = await open();
    await using here = await start(backend.store);
    await using worker = await startWorker(module, { place: backend.place, kind });
    const sites = [here.url, (worker.ready as { url: string }).url];
    const ada = browser(here.url);
    await ada.post("/login");
    const notes = Array.from({ length: 20 }, (_, at) => `note-${at}`);
    const save = () =>
      notes.map((note, at) => browser(sites[at % 2] ?? "", ada.cookie).get(`/note?text=${note}`));

    expect((await Promise.all(save())).map(({ status }) => status)).toEqual(notes.map(() => 200));
    const { user, note } = (await ada.get("/look")).body;
    expect(user).toBe("ada");
    expect(notes).toContain(note);

    const saves = save();
    const logout = browser(here.url, ada.cookie).post("/logout");
    expect((await logout).status).toBe(204);
    await Promise.all(saves);
    for (const site of sites) {
      expect((await browser(site, ada.cookie).get("/look")).body["user"]).toBeUndefined();
    }
  });
});
