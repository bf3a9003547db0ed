import { memoryStore } from "@kv/memory";
import { Hono, type MiddlewareHandler } from "hono";
import { languageDetector } from "hono/language";
import { describe, expect, onTestFinished, test } from "vitest";
import { responseCache } from "../src/index.ts";
import { fresh } from "./cache-app.ts";

const languages = { supportedLanguages: ["en", "de", "fr"], fallbackLanguage: "en" };
const detector = languageDetector({ ...languages, order: ["header"], caches: false });

function cache(options: Parameters<typeof responseCache>[1] = {}): MiddlewareHandler {
  const store = memoryStore();
  onTestFinished(() => store.close());
  return responseCache(store, options);
}

/** A page in the language that the detector found, after these. */
function site(...middleware: MiddlewareHandler[]) {
  const app = new Hono();
  for (const one of middleware) app.use(one);
  app.get("*", (c) => c.text(c.get("language"), 200, fresh));
  const ask = (headers: Record<string, string>, path: string) => app.request(path, { headers });
  return {
    async text(headers: Record<string, string> = {}, path: string = "/"): Promise<string> {
      return (await ask(headers, path)).text();
    },
    hit: (headers: Record<string, string> = {}, path: string = "/") =>
      expect.poll(async () => (await ask(headers, path)).headers.get("Cache-Status")).toMatch(/hit/),
  };
}

const german = { "Accept-Language": "de" };
const french = { "Accept-Language": "fr" };

const sayVary: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("Vary", "Accept-Language", { append: true });
};

describe("a language detector, which sets no Vary", () => {
  test.each([
    ["inside of the cache", () => [cache(), detector]],
    ["outside of it", () => [detector, cache()]],
  ])("%s: the first visitor's language is everybody's", async (_where, middleware) => {
    const { text, hit } = site(...middleware());
    expect(await text(german)).toBe("de");
    await hit(french);
    expect(await text(french)).toBe("de");
  });

  test("as it is unless told: the language of a visitor who asks for none is everybody's without a cookie", async () => {
    const { text, hit } = site(cache(), languageDetector(languages));
    expect(await text()).toBe("en");
    await hit(german);
    expect(await text(german)).toBe("en");
    expect(await text({ Cookie: "language=fr" })).toBe("fr");
  });

  test("with a cookie too, where isPublic says that the page is the same for all", async () => {
    const { text, hit } = site(cache({ isPublic: () => true }), languageDetector(languages));
    expect(await text()).toBe("en");
    await hit();
    expect(await text({ Cookie: "language=fr" })).toBe("en");
  });
});

describe("beside the cache, languages are kept apart", () => {
  test.each([
    ["inside of the cache", () => [cache(), sayVary, detector]],
    ["where the detector is outside, too", () => [detector, cache(), sayVary]],
  ])("by Vary, said %s", async (_where, middleware) => {
    const { text, hit } = site(...middleware());
    for (let round = 0; round < 2; round += 1) {
      for (const [headers, language] of [
        [german, "de"],
        [french, "fr"],
        [{}, "en"],
      ] as const) {
        expect(await text(headers)).toBe(language);
        await hit(headers);
      }
    }
  });

  test("by Vary also where the detector sets its cookie", async () => {
    const { text } = site(cache(), sayVary, languageDetector(languages));
    expect([await text(), await text(german), await text(french), await text()]).toEqual([
      "en",
      "de",
      "fr",
      "en",
    ]);
    expect(await text({ ...german, Cookie: "language=fr" })).toBe("fr");
  });

  test.each(["path", "querystring"] as const)("by the URL, where the %s has the language", async (from) => {
    const inUrl = languageDetector({ ...languages, order: [from], caches: false });
    const { text, hit } = site(cache(), inUrl);
    const urlOf = (language: string): string => (from === "path" ? `/${language}` : `/?lang=${language}`);
    for (const language of ["de", "fr", "en"]) {
      expect(await text(german, urlOf(language))).toBe(language);
      await hit(german, urlOf(language));
      expect(await text(french, urlOf(language))).toBe(language);
    }
  });
});
