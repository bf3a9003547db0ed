import { serveStore } from "@kv/testkit/process";
import { sqliteStore } from "../src/index.ts";

// Another process on the same file.
serveStore(sqliteStore({ file: process.argv[2] ?? "" }));
