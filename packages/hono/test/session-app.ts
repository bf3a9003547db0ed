import { isStoreError, type StoreError } from "@kv/core";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { type SessionEnv, type SessionsOptions, sessions } from "../src/index.ts";
import type { Gate } from "./gate.ts";

export interface Visitor {
  visits: number;
  user?: string;
}

export interface SessionApp {
  readonly app: Hono<SessionEnv<Visitor>>;
  /** What its `onStoreError` was told. */
  readonly failures: StoreError[];
  /** Requests wait here, where they are told to: `/slow-visit` and others. */
  gate: Gate | undefined;
}

/** An application with every use of a session. */
export function sessionApp(
  source: Parameters<typeof sessions>[0],
  options: Partial<SessionsOptions<Visitor>> = {},
): SessionApp {
  const failures: StoreError[] = [];
  const app = new Hono<SessionEnv<Visitor>>();
  const made: SessionApp = { app, failures, gate: undefined };
  const seeAgain = (visitor: Visitor | undefined): Visitor => ({
    ...visitor,
    visits: (visitor?.visits ?? 0) + 1,
  });

  app.use(
    sessions<Visitor>(source, { onOutage: "refuse", onStoreError: (e) => failures.push(e), ...options }),
  );
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse();
    if (isStoreError(error)) return new Response(error.code, { status: 500 });
    throw error;
  });
  app.get("/", (c) => c.json(c.var.session.data ?? null));
  app.get("/outage", (c) => c.text(c.var.session.outage?.code ?? "none"));
  app.get("/visit", async (c) => c.json(await c.var.session.update(seeAgain)));
  app.get("/slow-visit", async (c) => {
    await made.gate?.pass();
    return c.json(await c.var.session.update(seeAgain));
  });
  app.get("/log-in", async (c) => {
    await c.var.session.regenerate((visitor) => ({ visits: 0, ...visitor, user: "ada" }));
    return c.json(c.var.session.data);
  });
  app.get("/slow-log-in", async (c) => {
    await made.gate?.pass();
    await c.var.session.regenerate((visitor) => ({ visits: 0, ...visitor, user: "ada" }));
    return c.json(c.var.session.data);
  });
  app.get("/rotate", async (c) => {
    await c.var.session.regenerate();
    return c.json(c.var.session.data ?? null);
  });
  app.get("/log-out", async (c) => {
    await c.var.session.destroy();
    return c.text("bye");
  });
  app.get("/log-out-and-visit", async (c) => {
    await c.var.session.destroy();
    return c.json(await c.var.session.update(seeAgain));
  });
  app.get("/raw", async (c) => {
    await c.var.session.update(seeAgain);
    return new Response("no help from the framework");
  });
  return made;
}
