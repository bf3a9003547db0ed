import { directoryOf, storeFromUrl } from "@kv/from-url";
import { expect, test } from "vitest";

/** The end of every message about a scheme. */
const schemes =
  'begins with one of memory:, file:, redis:, rediss:, valkey:, valkeys:, like "redis://localhost:6379".';

test.each([
  ["", schemes],
  ["nonsense", `This is not the URL of a store. A store's URL ${schemes}`],
  ["./data", "This is not the URL"],
  ["127.0.0.1:6379", "This is not the URL"],
  ["localhost:6379", `There is no backend for "localhost:". A store's URL ${schemes}`],
  ["mysql://ada:s3cret@localhost", `There is no backend for "mysql:". A store's URL ${schemes}`],
  ["reddis://ada:s3cret@localhost", 'no backend for "reddis:". Did you mean "redis:"?'],
  ["files:./data", 'Did you mean "file:"?'],
  ["memory", 'Did you mean "memory:"?'],
  ["ada:s3cret@localhost", "This is not the URL"],
  ["s3cret:s3cret@localhost", "This is not the URL"],
  ["redis://ada:s3cret@localhost:99999", 'url must be like "redis://'],
  ["redis://ada:s3cret@localhost/x", 'url must be like "redis://'],
  ["redis://ada:s3cret@localhost?namespace=a", 'url must be like "redis://'],
  ["redis://ada:100%s3cret@localhost", 'url must be like "redis://'],
  ["redis://ada:s3cret/@localhost", 'url must be like "redis://'],
  ["redis:localhost", 'url must be like "redis://'],
  ["valkeys://", 'url must be like "redis://'],
  ["memory:sessions", 'must be "memory:", or like "memory:?maxEntries=10000"'],
  ["memory://localhost", 'must be "memory:"'],
  ["memory:?maxEntry=1", 'no option "maxEntry" here. Known: maxEntries, maxBytes'],
  ["memory:?maxEntries=many", "maxEntries in the URL must be a whole number"],
  ["memory:?maxEntries=0", "maxEntries must be at least 1"],
  ["memory:?maxEntries=1&maxEntries=2", "sets maxEntries twice"],
  ["memory:?__proto__=1", 'no option "__proto__" here'],
  ["file:", "The URL of a directory must be like"],
  ["file:?durability=none", "The URL of a directory must be like"],
  ["file://./data", "The URL of a directory must be like"],
  ["file://host/data", "The URL of a directory must be like"],
  ["file:///a%2Fb", "The URL of a directory must be like"],
  ["file:///100%", "The URL of a directory must be like"],
  ["file:./a#b", "must be percent-encoded"],
  ["file:./a?b?c", "must be percent-encoded"],
  ["file:./a?b", 'no option "b" here. Known: durability, disk'],
  ["file:./a?durability=much", "durability must be one of none, file, full"],
  ["file:./a?disk=far", "disk must be local or network"],
])("E1 %s is refused, without its password", async (url, says) => {
  const error: unknown = await storeFromUrl(url).catch((reason: unknown) => reason);
  expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
  expect((error as Error).message).toContain(says);
  expect(`${(error as Error).stack}`).not.toContain("s3cret");
});

test.each<[object, string]>([
  [{ namspace: "a" }, 'no option "namspace" here'],
  [{ maxEntries: 1 }, 'no option "maxEntries" here'],
  [{ namespace: "" }, "must have 1 to 255 bytes"],
  [{ namespace: null }, "must be a string, not null"],
  [{ timeout: "soon" }, "timeout must be a number and a unit"],
  [{ sweepEvery: "often" }, "sweepEvery must be a number and a unit"],
  [{ backends: { sqlite: () => undefined } }, 'no option "sqlite" here. Known: memory, file, redis, valkey'],
  [{ backends: {} }, "missing from the option backends"],
])("E1 the options %o are refused on every backend", async (options, says) => {
  for (const url of ["memory:", "file:./data", "redis://127.0.0.1:1", "valkey://127.0.0.1:1"]) {
    const opened = storeFromUrl(url, options);
    await expect(opened).rejects.toThrow(says);
    await opened.catch((error: unknown) =>
      expect(error instanceof TypeError || error instanceof RangeError).toBe(true),
    );
  }
});

test.each([undefined, null, 1, {}, ["memory:"]])("E1 %o instead of a URL is refused", async (url) => {
  await expect(storeFromUrl(url as never)).rejects.toThrow(TypeError);
  await expect(storeFromUrl(url as never)).rejects.toThrow("must be a string or a URL");
});

test("directoryOf reads the directory alone", () => {
  expect(directoryOf("file:./data?durability=none")).toBe("./data");
  expect(directoryOf("FILE:C:\\data")).toBe("C:\\data");
  expect(directoryOf(new URL("file:///var/a%20b"))).toBe("/var/a b");
});
