import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type RunningServer, startStandalone } from "@kv/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../src/open-store.ts";
import { testInABrowser } from "./in-a-browser.ts";
import { type RunningWeb, startWeb } from "./start-web.ts";

const limit = { timeout: 300_000 };

let folder: string;
const servers: RunningServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kv-web-"));
  servers.push(await startStandalone({ kind: "redis" }), await startStandalone({ kind: "valkey" }));
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const urlOf: Readonly<Record<string, (name: string) => string>> = {
  memory: () => "memory:",
  files: (name) => `file:${join(folder, name)}`,
  Redis: () => servers[0]?.url ?? "",
  Valkey: () => (servers[1]?.url ?? "").replace(/^redis/, "valkey"),
};

/** The pages' cookie, as a browser sends it back. */
class Visitor {
  cookie = "";
  readonly #web: RunningWeb;

  constructor(web: RunningWeb, cookie: string = "") {
    this.#web = web;
    this.cookie = cookie;
  }

  async ask(path: string, form?: Record<string, string>): Promise<{ status: number; text: string }> {
    const headers = { cookie: this.cookie, origin: this.#web.url, connection: "close" };
    const init = form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) };
    const response = await fetch(this.#web.url + path, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      this.cookie = /max-age=0/i.test(line) ? "" : (line.split(";")[0] ?? "");
    }
    return { status: response.status, text: await response.text() };
  }

  async visits(): Promise<string> {
    const { text } = await this.ask("/");
    return (
      /id="visits">(\d+)<\/p>\s*<p class="caption">visits? of ([^<]*)</.exec(text)?.slice(1, 3).join(" ") ??
      text
    );
  }
}

describe.each(Object.keys(urlOf))("the web example on %s", (kind) => {
  const processes = kind === "memory" ? 1 : 3;
  let web: RunningWeb;

  beforeAll(async () => {
    web = await startWeb({ KV_URL: urlOf[kind]?.("shared") ?? "", WEB_PROCESSES: String(processes) });
  });
  afterAll(() => web[Symbol.asyncDispose]());

  test("says where it is and where it keeps things", limit, () => {
    expect(web.said).toMatch(
      processes === 1 ? /kept in memory, by process \d+$/ : /kept in .*, by 3 processes$/,
    );
  });

  test("counts visits, logs in under a new id, and out", limit, async () => {
    const visitor = new Visitor(web);
    expect([await visitor.visits(), await visitor.visits()]).toEqual(["1 a visitor", "2 a visitor"]);
    const before = new Visitor(web, visitor.cookie);
    expect((await visitor.ask("/log-in", { user: "Ada", password: "wrong" })).status).toBe(303);
    expect((await visitor.ask("/?wrong")).text).toContain("That was not the password.");
    await visitor.ask("/log-in", { user: "<b>Ada", password: "sesame" });
    expect(await visitor.visits()).toBe("4 &lt;b&gt;Ada");
    expect(await before.visits()).toBe("1 a visitor");
    await visitor.ask("/log-out", {});
    expect(visitor.cookie).toBe("");
    expect(await visitor.visits()).toBe("1 a visitor");
  });

  test("a log-in from another site is refused", limit, async () => {
    const body = new URLSearchParams({ user: "Ada", password: "sesame" });
    const init = { method: "POST", body, headers: { origin: "https://evil.example" } };
    expect((await fetch(`${web.url}/log-in`, init)).status).toBe(403);
  });

  test("makes the slow report once for all who ask, whichever process they meet", limit, async () => {
    const visitors = Array.from({ length: 24 }, () => new Visitor(web));
    const reports = await Promise.all(visitors.map((visitor) => visitor.ask("/report")));
    expect(new Set(reports.map(({ text }) => text)).size).toBe(1);
    expect(JSON.parse(reports[0]?.text ?? "")).toMatchObject({ tookMs: expect.any(Number) });
  });

  test("lets five throws pass, in all processes together", limit, async () => {
    const throws = await Promise.all(Array.from({ length: 20 }, () => new Visitor(web).ask("/dice")));
    expect(throws.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(throws.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  test("says that it is well", limit, async () => {
    expect(await new Visitor(web).ask("/health")).toEqual({ status: 200, text: "ok" });
  });

  test("told to end, it finishes what is in flight, and ends well", limit, async () => {
    await using ending = await startWeb({
      KV_URL: urlOf[kind]?.("ending") ?? "",
      WEB_PROCESSES: String(processes),
    });
    const report = fetch(`${ending.url}/report`);
    const asked = JSON.stringify(["GET", `${ending.url}/report`]);
    if (kind !== "memory") {
      // Somebody computes it now: the mark is in the store.
      const { store } = await openStore(urlOf[kind]?.("ending"));
      await expect
        .poll(() => store.withNamespace("response_cache").exists(asked), { timeout: 60_000 })
        .toBe(true);
      await store.close();
    } else await fetch(`${ending.url}/health`); // answered after the report was begun
    const ended = ending.end();
    expect((await report).status).toBe(200);
    expect(await ended).toEqual({ code: 0, stderr: "" });
  });
});

test.each(["1", "2"])(
  "with %s processes it does not start without its store, and says why",
  limit,
  async (processes) => {
    const env = { KV_URL: "redis://127.0.0.1:1", WEB_PROCESSES: processes };
    await expect(startWeb(env)).rejects.toThrow(/there is no connection to the server/);
  },
);

test("it does not start with a setting that it does not know", limit, async () => {
  for (const KV_URL of ["mysql://localhost", "nonsense"]) {
    await expect(startWeb({ KV_URL })).rejects.toThrow(
      /KV_URL: .* begins with one of memory:, file:, redis:/,
    );
  }
  await expect(startWeb({ WEB_PROCESSES: "many" })).rejects.toThrow(/WEB_PROCESSES must be a whole number/);
});

test("a port that is taken is told of, and nothing starts", limit, async () => {
  await using web = await startWeb({ KV_URL: "memory:" });
  const { port } = new URL(web.url);
  for (const KV_URL of ["memory:", urlOf["files"]?.("port") ?? ""]) {
    await expect(startWeb({ KV_URL, PORT: port })).rejects.toThrow(`Port ${port} is taken. Set PORT`);
  }
});

test("while the store is away it says so, and when it is back so are the sessions", limit, async () => {
  await using own = await startStandalone({ kind: "redis" });
  await using web = await startWeb({ KV_URL: own.url, WEB_PROCESSES: "2" });
  const visitor = new Visitor(web);
  await visitor.ask("/log-in", { user: "Ada", password: "sesame" });
  await own.pause();
  const away = await visitor.ask("/");
  expect(away).toEqual({ status: 503, text: "The store is away. Please try again soon." });
  expect((await visitor.ask("/dice")).status).toBe(503);
  let refused = 2;
  own.resume();
  const look = async (): Promise<string> => {
    const { status, text } = await visitor.ask("/");
    if (status === 503) refused += 1;
    return text;
  };
  await expect.poll(look, { timeout: 60_000 }).toMatch(/visits of Ada</);
  const { stderr } = await web.end();
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toEqual(Array.from({ length: refused }, () => expect.stringMatching(/^\w+ on redis at /)));
});

test("a process that is killed is replaced, and nothing is lost with it", limit, async () => {
  await using web = await startWeb({ KV_URL: `file:${join(folder, "killed")}`, WEB_PROCESSES: "2" });
  const visitor = new Visitor(web);
  const processes = new Set<string>();
  const see = async (): Promise<number> => {
    // A connection that was handed to a process as it died is never answered.
    const { text } = await Promise.race([visitor.ask("/"), passed(10_000)]).catch(() => ({ text: "" }));
    const pid = /Process <strong>(\d+)</.exec(text)?.[1];
    if (pid !== undefined) processes.add(pid);
    return processes.size;
  };
  await expect.poll(see, { timeout: 60_000 }).toBe(2);
  const before = Number((await visitor.visits()).split(" ")[0]);
  const [killed = ""] = processes;
  process.kill(Number(killed), "SIGKILL");
  await expect.poll(see, { timeout: 60_000 }).toBe(3);
  expect(Number((await visitor.visits()).split(" ")[0])).toBeGreaterThan(before);
});

test("sessions outlast the processes", limit, async () => {
  const env = { KV_URL: `file:${join(folder, "outlast")}`, WEB_PROCESSES: "1" };
  let cookie: string;
  {
    await using web = await startWeb(env);
    const visitor = new Visitor(web);
    await visitor.ask("/log-in", { user: "Ada", password: "sesame" });
    cookie = visitor.cookie;
  }
  await using web = await startWeb(env);
  expect(await new Visitor(web, cookie).visits()).toBe("1 Ada");
});

async function passed(ms: number): Promise<{ text: string }> {
  await setTimeout(ms);
  return { text: "" };
}

// In the soak, for a browser may have to be fetched first.
if (process.env["KV_SOAK"] === "1") testInABrowser();
