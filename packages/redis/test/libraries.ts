import type { ClientLibrary } from "@kv/resp-suites/clients";
import * as ioredis from "ioredis";
import * as ioredis5 from "ioredis5";

export const libraries: Readonly<Record<"ioredis 6" | "ioredis 5", ClientLibrary>> = {
  "ioredis 6": ioredis,
  "ioredis 5": ioredis5,
};
