import express, { type ErrorRequestHandler } from "express";
import { type Options, rateLimit } from "express-rate-limit";
import { Hono } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import type { RateLimitStore } from "../src/index.ts";
import { type Served, served } from "./serve.ts";

export interface LimitedApp {
  readonly store: RateLimitStore;
  readonly limit: number;
  readonly windowMs?: number;
  /** Gives back what a request to a path with an answer of 400 or more counted. */
  readonly skipFailedRequests?: boolean;
  /** What a request waits for before it is answered. */
  readonly hold?: () => Promise<void>;
}

/**
 * The same application on either framework: `/` says "passed", `/fails` has the status 404; who asks is in the header
 * `Client`; an error of the store's is its code, with the status 503.
 */
export const frameworks: readonly { framework: string; serve(app: LimitedApp): Promise<Served> }[] = [
  { framework: "Express 5", serve: (app: LimitedApp) => served(onExpress(app)) },
  { framework: "Hono", serve: (app: LimitedApp) => served(onHono(app)) },
];

export function onExpress(
  { hold, ...options }: LimitedApp,
  onError: Partial<Pick<Options, "passOnStoreError" | "logger" | "keyGenerator">> = {},
): express.Express {
  const sendUnavailable: ErrorRequestHandler = (error: { code: string }, _request, response, _next) => {
    response.status(503).send(error.code);
  };
  return express()
    .use(
      rateLimit({
        windowMs: 3_600_000,
        keyGenerator: (request) => request.get("Client") ?? "somebody",
        standardHeaders: "draft-7",
        legacyHeaders: false,
        ...options,
        ...onError,
      }),
    )
    .get("/", async (_request, response) => {
      await hold?.();
      response.send("passed");
    })
    .use(sendUnavailable);
}

function onHono({ hold, ...options }: LimitedApp): Hono {
  return new Hono()
    .use(
      rateLimiter({
        windowMs: 3_600_000,
        keyGenerator: (c) => c.req.header("Client") ?? "somebody",
        standardHeaders: "draft-7",
        ...options,
      }),
    )
    .get("/", async (c) => {
      await hold?.();
      return c.text("passed");
    })
    .onError((error, c) => c.text((error as unknown as { code: string }).code, 503));
}
