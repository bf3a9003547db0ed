import { serveStore } from "@kv/testkit/process";
import { type ClientLibrary, makeClient, patient } from "./clients.ts";
import type { ProcessArguments, RespBackend } from "./contract.ts";

/** Serves the store whose namespaces are those of the root, on the servers in the arguments of this process. */
export function serveStoreOf(
  given: RespBackend["open"],
  libraries: Readonly<Record<string, ClientLibrary>>,
): void {
  const open = patient(given);
  const told = JSON.parse(process.argv[2] ?? "") as ProcessArguments;
  if ("url" in told) {
    serveStore(open({ url: told.url, namespace: null }));
    return;
  }
  const library = libraries[told.library];
  if (library === undefined) throw new Error(`There is no library ${told.library}.`);
  const client = makeClient(library, told.target);
  process.once("disconnect", () => client.disconnect()); // the client is its owner's business
  serveStore(open({ client, namespace: null }));
}
