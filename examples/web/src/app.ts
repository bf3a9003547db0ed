import { getConnInfo } from "@hono/node-server/conninfo";
import { type AtomicStore, isStoreError, type StoreError, type StoreRegistry } from "@kv/core";
import { clientAddress, rateLimit, responseCache, type SessionEnv, sessions } from "@kv/hono";
import { Hono } from "hono";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { page } from "./page.ts";
import { icon, script, style } from "./page-assets.ts";
import { makeReport } from "./report.ts";
import type { Settings } from "./settings.ts";

interface Visitor {
  readonly visits: number;
  readonly user?: string;
}

/** The word that lets everybody in. It is an example: a real service asks a database, and compares hashes. */
const password = "sesame";

export function webApp(
  stores: StoreRegistry<AtomicStore>,
  settings: Pick<Settings, "proxies" | "isHttps"> & { readonly description: string },
  log: (line: string) => void,
): Hono<SessionEnv<Visitor>> {
  const app = new Hono<SessionEnv<Visitor>>();
  const onStoreError = ({ message }: StoreError): void => log(message);
  const key = clientAddress(getConnInfo, { proxies: settings.proxies });

  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'self'"], frameAncestors: ["'none'"] } }));
  app.use(csrf());
  app.onError((error, c) => {
    // Sessions and limits that cannot be seen or counted refuse; the rest of the service goes on.
    const cause = error instanceof HTTPException ? error.cause : error;
    if (isStoreError(cause)) return c.text("The store is away. Please try again soon.", 503);
    if (error instanceof HTTPException) return error.getResponse();
    log(error.stack ?? error.message);
    return c.text("Something went wrong.", 500);
  });

  // For a balancer: whether this process can do its work.
  app.get("/health", async (c) => {
    try {
      await stores.get("sessions").exists("health");
    } catch (error) {
      if (isStoreError(error)) onStoreError(error); // here no middleware tells of it
      throw error;
    }
    return c.text("ok");
  });

  app.get("/icon.svg", (c) => c.text(icon, 200, { "Content-Type": "image/svg+xml" }));
  app.get("/style.css", (c) => c.text(style, 200, { "Content-Type": "text/css; charset=utf-8" }));
  app.get("/page.js", (c) => c.text(script, 200, { "Content-Type": "text/javascript; charset=utf-8" }));
  // The same for all, so it comes from the cache before anybody's session is looked at.
  app.get(
    "/report",
    responseCache(stores, { freshFor: "20s", isPublic: () => true, onStoreError }),
    async (c) => c.json(await makeReport()),
  );

  app.get(
    "/dice",
    rateLimit(stores, { limit: 5, window: "30s", policy: "dice", key, onOutage: "refuse", onStoreError }),
    (c) => c.json({ dice: 1 + Math.floor(Math.random() * 6), process: process.pid }),
  );

  app.use(
    sessions<Visitor>(stores, { onOutage: "refuse", cookie: { secure: settings.isHttps }, onStoreError }),
  );
  app.get("/", async (c) => {
    const { visits, user } = await c.var.session.update((visitor) => ({
      ...visitor,
      visits: (visitor?.visits ?? 0) + 1,
    }));
    const isWrong = c.req.query("wrong") !== undefined;
    return c.html(
      page({ visits, user, isWrong, password, process: process.pid, description: settings.description }),
    );
  });
  app.post(
    "/log-in",
    rateLimit(stores, { limit: 10, window: "1m", policy: "log-in", key, onOutage: "refuse", onStoreError }),
    async (c) => {
      const form = await c.req.parseBody();
      const user = typeof form["user"] === "string" ? form["user"].trim().slice(0, 40) : "";
      if (user === "" || form["password"] !== password) return c.redirect("/?wrong", 303);
      await c.var.session.regenerate((visitor) => ({ visits: 0, ...visitor, user }));
      return c.redirect("/", 303);
    },
  );
  app.post("/log-out", async (c) => {
    await c.var.session.destroy();
    return c.redirect("/", 303);
  });
  return app;
}
