import { join } from "node:path";
import { type FileStoreOptions, fileStore } from "@kv/file";
import { serveStore } from "@kv/testkit/process";

// Serves stores to the test that started this process: its namespaces are stores in directories of their own.
const [parent = "", options = "{}"] = process.argv.slice(2);
const given = JSON.parse(options) as Omit<FileStoreOptions, "directory">;

serveStore(
  Object.assign(fileStore({ ...given, directory: join(parent, "unused") }), {
    withNamespace: (name: string) => fileStore({ ...given, directory: join(parent, name) }),
  }),
);
