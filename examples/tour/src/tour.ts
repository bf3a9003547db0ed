import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { type FullStore, getOrSet, isStoreError, json, type StoreRegistry, typed } from "@kv/core";

/** A package.json of this repository, as far as the tour looks at it. */
interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly license?: string;
}

const repository = new URL("../../../", import.meta.url);

/** Walks through what a store does, on the files of this repository, and tells what happens line by line. */
export async function tour(stores: StoreRegistry<FullStore>, print: (line: string) => void): Promise<void> {
  const chapter = (title: string): void => print(`\n${title}\n${"─".repeat(title.length)}`);

  chapter("1. Bytes in, bytes out");
  const files = stores.get("files");
  for (const name of ["LICENSE", "README.md", "pnpm-lock.yaml"]) {
    const content = await readFile(new URL(name, repository));
    await files.set(name, content);
    const stored = await files.get(name);
    const same = stored !== undefined && sha256(stored) === sha256(content);
    print(
      `  ${name.padEnd(16)} ${size(content.length)}   came back ${same ? "the same, byte for byte" : "DIFFERENT"}`,
    );
    if (!same) throw new Error(`${name} came back different`);
  }
  print(
    `  ${"no-such-file".padEnd(16)} ${String(await files.get("no-such-file"))}: a miss is undefined, never an error`,
  );

  chapter("2. Typed values");
  const manifests = typed(stores.get("manifests"), json<Manifest>());
  for (const folder of await readdir(new URL("packages/", repository))) {
    const manifest = JSON.parse(
      await readFile(new URL(`packages/${folder}/package.json`, repository), "utf8"),
    ) as Manifest;
    await manifests.set(manifest.name, manifest);
  }
  for await (const name of manifests.keys()) {
    print(`  ${name.padEnd(22)} ${(await manifests.get(name))?.description ?? "(private)"}`);
  }

  chapter("3. Expiry and renewal");
  const sessions = stores.get("sessions");
  await sessions.set("ada", "logged in", { expiresIn: "1m" });
  print(`  set for a minute     ${seconds(await sessions.expiresIn("ada"))} left`);
  await passed(250);
  print(`  a moment later       ${seconds(await sessions.expiresIn("ada"))} left`);
  await sessions.get("ada", { renewFor: "1h" });
  print(`  get, renewed for 1 h ${seconds(await sessions.expiresIn("ada"))} left`);
  await sessions.touch("ada", "50ms");
  await passed(60);
  print(`  50 ms, after 60      ${(await sessions.exists("ada")) ? "STILL THERE" : "gone"}`);

  chapter("4. Namespaces, cleared one by one");
  const cache = stores.get("response_cache");
  await cache.set("/", "the front page");
  await cache.withNamespace("a").set("/", "tenant a");
  await cache.withNamespace("a").withNamespace("drafts").set("/", "tenant a's drafts");
  await cache.withNamespace("ab").set("/", "tenant ab");
  await cache.withNamespace("a").deleteAll();
  print("  after clearing the namespace a:");
  print(`    a          ${found(await cache.withNamespace("a").get("/"))}`);
  print(`    a/drafts   ${found(await cache.withNamespace("a").withNamespace("drafts").get("/"))}`);
  print(`    ab         ${found(await cache.withNamespace("ab").get("/"))}`);
  print(`    its parent ${found(await cache.get("/"))}`);

  chapter("5. A counter that is exact, in a window that does not move");
  const hits = stores.get("rate_limit");
  await hits.delete("203.0.113.7");
  const counts = await Promise.all(
    Array.from({ length: 5 }, () => hits.increment("203.0.113.7", { expiresIn: "1m" })),
  );
  print(`  five hits together   ${counts.map(({ value }) => value).join(", ")}`);
  print(`  the window ends in   ${seconds(counts.at(-1)?.expiresIn)}`);

  chapter("6. Cache-aside, computed once");
  const pages = stores.get("pages");
  await pages.delete("/report");
  let computed = 0;
  const report = async (): Promise<string> => {
    computed += 1;
    await passed(50);
    return "a slow page";
  };
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => getOrSet(pages, "/report", report, { expiresIn: "1m" })),
  );
  print(
    `  ${answers.length} requests for one missing page: computed ${computed === 1 ? "once" : `${computed} TIMES`}`,
  );

  chapter("7. A mistake says what to do, and changes nothing");
  await showError(print, () => sessions.set("ada", "again", { expiresIn: "60" as "60s" }));
  await showError(print, async () => stores.register("sessions", files));

  chapter("8. What was kept is there the next time");
  const { value: runs } = await stores.get("tour").increment("runs");
  print(
    runs === 1
      ? "  the first run on this store; run the tour again"
      : `  run number ${runs} on this store: what the earlier runs kept was still there`,
  );
}

async function showError(print: (line: string) => void, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof TypeError) && !isStoreError(error)) throw error;
    print(`  ${isStoreError(error) ? error.code : error.name}: ${error.message}`);
    return;
  }
  throw new Error("a mistake was not noticed");
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function size(bytes: number): string {
  return `${(bytes / 1024).toFixed(1).padStart(6)} KiB`;
}

function seconds(left: number | undefined): string {
  return left === undefined ? "nothing" : `${left.toFixed(3)} s`;
}

function found(stored: Uint8Array | undefined): string {
  return stored === undefined ? "nothing" : JSON.stringify(Buffer.from(stored).toString("utf8"));
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
