import * as ioredis from "ioredis";
import * as ioredis5 from "ioredis5";
import type { ClientLibrary } from "../../resp/test/clients.ts";

export const libraries: Readonly<Record<"ioredis 6" | "ioredis 5", ClientLibrary>> = {
  "ioredis 6": ioredis,
  "ioredis 5": ioredis5,
};
