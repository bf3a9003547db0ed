import { isStoreError, StoreRegistry } from "@kv/core";
import { openStore } from "./open-store.ts";
import { tour } from "./tour.ts";

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

try {
  // One line decides where everything is kept; the tour itself never knows.
  const { store, description } = await openStore(process.env["KV_URL"]);
  await using stores = new StoreRegistry({ root: store });
  print(`Everything is kept in ${description}.`);
  await tour(stores, print);
} catch (error) {
  if (!isStoreError(error) && !(error instanceof TypeError)) throw error;
  // A server that is away, or an address that is none: the message says what to do.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
