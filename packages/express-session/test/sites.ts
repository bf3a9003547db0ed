import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import type { StoreSource, StoreWith } from "@kv/core";
import express from "express";
import expressSession from "express-session";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { sessionStore as fastifySessionStore } from "../src/fastify.ts";
import { type SessionStoreOptions, sessionStore } from "../src/index.ts";

interface Data {
  visits?: number;
  user?: string;
  note?: string;
}

declare module "express-session" {
  interface SessionData extends Data {}
}

declare module "fastify" {
  interface Session extends Data {}
}

export type Source = StoreSource<StoreWith<"atomic" | "listing">>;

export interface SiteOptions extends Partial<SessionStoreOptions> {
  /** Of the cookie, in milliseconds; without it the cookie ends with the browser. */
  readonly maxAge?: number;
  /** Renews the cookie with each answer, and saves unchanged sessions. */
  readonly rolling?: boolean;
  /** Of express-session alone: whether it saves unchanged sessions, if not as `rolling` has it. */
  readonly resave?: boolean;
}

/** An application on a real framework, with a store of ours. Its routes are the same on each. */
export interface Site extends AsyncDisposable {
  readonly url: string;
  /** The next request to /slow or /slow-look waits, with its session loaded, until released. */
  hold(): { readonly reached: Promise<void>; release(): void };
  /** What the framework was handed as an error, after an answer too. */
  readonly errors: unknown[];
}

export interface SiteKind {
  readonly kind: string;
  start(source: Source, options?: SiteOptions): Promise<Site>;
  /** A cookie header with a well signed id. */
  cookie(id: string): string;
}

export const siteKinds: readonly SiteKind[] = [
  {
    kind: "express-session",
    start: startExpress,
    cookie: (id) => `connect.sid=${encodeURIComponent(`s:${sign(id)}`)}`,
  },
  { kind: "@fastify/session", start: startFastify, cookie: fastifyCookieOf },
  {
    kind: "@fastify/session with the store of the main entry",
    start: (source, options) =>
      startFastify(source, options, sessionStore as unknown as typeof fastifySessionStore),
    cookie: fastifyCookieOf,
  },
];

const secret = "a secret of the tests, of more than 32 characters";

function sign(id: string): string {
  return `${id}.${createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "")}`;
}

function fastifyCookieOf(id: string): string {
  return `sessionId=${encodeURIComponent(sign(id))}`;
}

/** It has two routes more than the others, which change the cookie: `/max-age?ms=1` and `/expires?at=2030-01-01`. */
export async function startExpress(source: Source, options: SiteOptions = {}): Promise<Site> {
  const { maxAge, rolling = false, resave = rolling, ...storeOptions } = options;
  const gate = gates();
  const errors: unknown[] = [];
  const app = express();
  app.use(
    expressSession({
      secret,
      resave,
      rolling,
      saveUninitialized: false,
      store: sessionStore(source, { onOutage: "refuse", ...storeOptions }),
      cookie: maxAge === undefined ? {} : { maxAge },
    }),
  );
  app.get("/look", ({ session, sessionID }, response) => {
    response.json({ ...seen(session), id: sessionID });
  });
  app.get("/visit", ({ session, sessionID }, response) => {
    session.visits = (session.visits ?? 0) + 1;
    response.json({ ...seen(session), id: sessionID });
  });
  app.get("/note", ({ session, query }, response) => {
    session.note = query["text"] as string;
    response.json(seen(session));
  });
  app.get("/slow", async ({ session }, response) => {
    session.visits = 1_000;
    await gate.pass();
    response.json(seen(session));
  });
  app.get("/slow-look", async ({ session }, response) => {
    await gate.pass();
    response.json(seen(session));
  });
  app.get("/max-age", ({ session, query }, response) => {
    session.cookie.maxAge = Number(query["ms"]);
    response.json(seen(session));
  });
  app.get("/expires", ({ session, query }, response) => {
    session.cookie.expires = new Date(query["at"] as string);
    response.json(seen(session));
  });
  app.post("/login", (request, response, next) => {
    request.session.regenerate((failure: unknown) => {
      if (failure !== null && failure !== undefined) return next(failure);
      request.session.user = "ada";
      request.session.save((error: unknown) => {
        if (error !== null && error !== undefined) return next(error);
        response.json({ ...seen(request.session), id: request.sessionID });
      });
    });
  });
  app.post("/logout", (request, response, next) => {
    request.session.destroy((error: unknown) => {
      if (error === null || error === undefined) response.status(204).end();
      else next(error);
    });
  });
  app.use(
    (error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      errors.push(error);
      if (!response.headersSent) response.status(503).json({ code: Reflect.get(error as object, "code") });
    },
  );
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: gate.hold,
    errors,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function startFastify(
  source: Source,
  options: SiteOptions = {},
  makeStore: typeof fastifySessionStore = fastifySessionStore,
): Promise<Site> {
  const { maxAge, rolling = false, ...storeOptions } = options;
  const gate = gates();
  const errors: unknown[] = [];
  const app = Fastify({ forceCloseConnections: true });
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    secret,
    rolling,
    saveUninitialized: false,
    store: makeStore(source, { onOutage: "refuse", ...storeOptions }),
    cookie: { secure: false, ...(maxAge !== undefined && { maxAge }) },
  });
  app.setErrorHandler((error, _request, reply) => {
    errors.push(error);
    return reply.status(503).send({ code: Reflect.get(error as object, "code") });
  });
  const answer = ({ session }: FastifyRequest) => ({ ...seen(session), id: session.sessionId });
  app.get("/look", async (request) => answer(request));
  app.get("/visit", async (request) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    return answer(request);
  });
  app.get("/note", async (request) => {
    request.session.note = (request.query as { text: string }).text;
    return answer(request);
  });
  app.get("/slow", async (request) => {
    request.session.visits = 1_000;
    await gate.pass();
    return answer(request);
  });
  app.get("/slow-look", async (request) => {
    await gate.pass();
    return answer(request);
  });
  app.post("/login", async (request) => {
    await request.session.regenerate();
    request.session.user = "ada";
    return answer(request);
  });
  app.post("/logout", async (request, reply: FastifyReply) => {
    await request.session.destroy();
    return reply.status(204).send();
  });
  return {
    url: await app.listen({ host: "127.0.0.1", port: 0 }),
    hold: gate.hold,
    errors,
    [Symbol.asyncDispose]: async () => app.close(),
  };
}

function seen({ visits, user, note }: Data): Data {
  return {
    ...(visits !== undefined && { visits }),
    ...(user !== undefined && { user }),
    ...(note !== undefined && { note }),
  };
}

function gates(): Pick<Site, "hold"> & { pass(): Promise<void> } {
  let next: { reach(): void; released: Promise<void> } | undefined;
  return {
    hold() {
      let reach = (): void => {};
      let release = (): void => {};
      const reached = new Promise<void>((resolve) => {
        reach = resolve;
      });
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      next = { reach, released };
      return { reached, release };
    },
    async pass() {
      const gate = next;
      next = undefined;
      gate?.reach();
      await gate?.released;
    },
  };
}
