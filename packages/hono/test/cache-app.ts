import type { StoreError } from "@kv/core";
import { Hono } from "hono";
import { type ResponseCacheOptions, responseCache } from "../src/index.ts";

/** Makes the answer to a request, which it is told the number of. */
export type Answerer = (request: Request, time: number) => Response | Promise<Response>;

export interface CacheApp {
  readonly app: Hono;
  /** What the next requests are answered with; `fresh` unless told. */
  answerer: Answerer;
  /** How many requests got as far as the handler. */
  readonly computed: () => number;
  readonly failures: StoreError[];
}

export const fresh = { "Cache-Control": "max-age=60" } as const;

/** Answers every path with what the test says, behind a cache. */
export function cacheApp(
  source: Parameters<typeof responseCache>[0],
  options: ResponseCacheOptions = {},
): CacheApp {
  const failures: StoreError[] = [];
  let times = 0;
  const app = new Hono();
  const made: CacheApp = {
    app,
    answerer: (_request, time) => new Response(`answer ${time}`, { headers: fresh }),
    computed: () => times,
    failures,
  };
  app.use(responseCache(source, { onStoreError: (error) => failures.push(error), ...options }));
  app.all("*", (c) => {
    times += 1;
    return made.answerer(c.req.raw, times);
  });
  return made;
}
