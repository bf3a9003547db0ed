import { randomBytes } from "node:crypto";
import { getConnInfo } from "@hono/node-server/conninfo";
import { bytes, declareStores, type FullStore, isStoreError, json, text } from "@kv/core";
import { clientAddress, rateLimit, responseCache, type SessionEnv, sessions } from "@kv/hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";

interface Link {
  readonly url: string;
  readonly by: string;
}

interface Visitor {
  readonly name: string;
}

/** What a service has to say: a log-in link for somebody, and what went wrong. */
export interface Outside {
  mail(name: string, path: string): void;
  complain(line: string): void;
}

/** A URL shortener: log in by a link that works once, shorten, count the clicks, look where a link leads. */
export function shortener(root: FullStore, { mail, complain }: Outside): Hono<SessionEnv<Visitor>> {
  const stores = declareStores(
    { links: json<Link>(), own: text, clicks: bytes, tokens: text, ...middleware },
    { root },
  );
  const links = stores.get("links");
  const key = clientAddress(getConnInfo);
  const app = new Hono<SessionEnv<Visitor>>();

  app.onError((error, c) => {
    const response =
      "getResponse" in error ? error.getResponse() : c.text("Sorry.", isStoreError(error) ? 503 : 500);
    if (response.status >= 500) complain(`${c.req.method}: ${error.message}`); // a path may be a token
    return response;
  });

  // Where a link leads, for people who look before they click. The same for all, and computed once in ten minutes.
  app.get("/:id/preview", responseCache(stores, { freshFor: "10m", isPublic: () => true }), async (c) => {
    const link = await links.get(c.req.param("id"));
    return link === undefined ? c.text("No such link.", 404) : c.text(`To ${new URL(link.url).host}`);
  });

  app.get("/:id{[\\w-]{8}}", async (c) => {
    const id = c.req.param("id");
    const link = await links.get(id);
    if (link === undefined) return c.text("No such link.", 404);
    await stores.get("clicks").increment(id);
    return c.redirect(link.url);
  });

  app.use(sessions<Visitor>(stores, { onOutage: "refuse", cookie: { secure: false } }));

  const fewTries = rateLimit(stores, { limit: 10, window: "15m", policy: "log-in", key, onOutage: "refuse" });
  app.post("/log-in/:name{[a-z]{1,20}}", fewTries, async (c) => {
    const token = randomBytes(32).toString("base64url");
    await stores.get("tokens").set(token, c.req.param("name"), { expiresIn: "15m" });
    mail(c.req.param("name"), `/log-in/${token}`);
    return c.text("Look into your mail.");
  });

  app.get("/log-in/:token", async (c) => {
    const name = await stores.get("tokens").take(c.req.param("token")); // works once, whoever comes at the same time
    if (name === undefined) return c.text("This link was used already, or is too old.", 403);
    await c.var.session.regenerate(() => ({ name }));
    return c.text(`Hello ${name}.`);
  });

  app.post("/log-out", async (c) => {
    await c.var.session.destroy();
    return c.text("Goodbye.");
  });

  const someLinks = rateLimit(stores, { limit: 20, window: "1m", policy: "links", key, onOutage: "allow" });
  app.post("/links", someLinks, bodyLimit({ maxSize: 4_096 }), async (c) => {
    const by = c.var.session.data?.name;
    if (by === undefined) return c.text("Log in first.", 401);
    const url = urlOf(await c.req.text());
    if (url === undefined) return c.text("That is no URL of a page.", 400);
    for (;;) {
      const id = randomBytes(6).toString("base64url");
      if (!(await links.setIfAbsent(id, { url, by }))) continue;
      await stores.get("own").set(`${by}/${id}`, url);
      return c.text(`/${id}`, 201);
    }
  });

  app.get("/links", async (c) => {
    const by = c.var.session.data?.name;
    if (by === undefined) return c.text("Log in first.", 401);
    const own: { id: string; url: string; clicks: number }[] = [];
    for await (const [name, url] of stores.get("own").entries({ prefix: `${by}/` })) {
      const id = name.slice(by.length + 1);
      own.push({ id, url, clicks: Number(new TextDecoder().decode(await stores.get("clicks").get(id))) });
    }
    return c.json(own);
  });

  return app;
}

/** The URL as browsers read it: what is shown, kept and followed is one and the same. */
function urlOf(typed: string): string | undefined {
  if (!URL.canParse(typed)) return undefined;
  const { protocol, href } = new URL(typed);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}

/** What the middleware keeps, in its own way. */
const middleware = { sessions: bytes, rate_limit: bytes, response_cache: bytes };
