import { createStore } from "@kv/core/driver";
import { serveStore } from "@kv/testkit/process";
import { directoryDriver } from "./directory-driver.ts";

serveStore(createStore(directoryDriver(process.argv[2] ?? "")));
