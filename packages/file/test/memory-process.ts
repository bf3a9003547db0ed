import { type FileStoreOptions, fileStore } from "@kv/file";

// Fills a store, walks through it in every way, and says by how many megabytes the process grew at most meanwhile.

const [options = "", entries = ""] = process.argv.slice(2);
const store = fileStore(JSON.parse(options) as FileStoreOptions);

async function growthMb(walk: () => Promise<unknown>): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  const looking = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 1);
  await walk();
  clearInterval(looking);
  return Math.round((peak - before) / 1_000_000);
}

async function counted(listing: AsyncIterable<string>): Promise<number> {
  let count = 0;
  for await (const each of listing) count += each.length > 0 ? 1 : 0;
  return count;
}

const found: Record<string, number> = {};
for (let at = 0; at < Number(entries); at += 1) {
  await store.set(`key ${at}`, "value", at % 2 === 0 ? {} : { expiresIn: "1s" });
}
await store.set("the last to expire", "value", { expiresIn: "1s" });
while (await store.exists("the last to expire")) await new Promise((resolve) => setTimeout(resolve, 50));

const growth = {
  keys: await growthMb(async () => {
    found["keys"] = await counted(store.keys());
  }),
  deleteExpired: await growthMb(async () => {
    found["deleteExpired"] = await store.deleteExpired();
  }),
  deleteAll: await growthMb(() => store.deleteAll()),
};
await store.close();
process.stdout.write(JSON.stringify({ found, growth }));
