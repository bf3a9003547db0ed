import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumBinary } from "@kv/test-servers";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningWeb, startWeb } from "./start-web.ts";

const limit = { timeout: 300_000 };

/** What a person sees, in a real browser. */
export function testInABrowser(): void {
  let folder: string;
  let web: RunningWeb | undefined;
  let browser: Browser | undefined;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const { executablePath, env } = await chromiumBinary();
    folder = await mkdtemp(join(tmpdir(), "kv-web-browser-"));
    web = await startWeb({ KV_URL: `file:${join(folder, "data")}`, WEB_PROCESSES: "3" });
    browser = await chromium.launch({
      executablePath,
      env: { ...process.env, ...env },
      args: ["--no-sandbox"], // containers allow none
    });
    page = await browser.newPage({ viewport: { width: 1100, height: 640 } });
    page.on("console", (message) => {
      // A 429 is what the test asks for, and the browser says so of itself.
      if (message.type() === "error" && !message.text().includes("429")) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
  }, limit.timeout);

  afterAll(async () => {
    await browser?.close();
    await web?.end();
    await rm(folder, { recursive: true, force: true });
  });

  const textOf = async (id: string): Promise<string> => (await page.locator(id).textContent()) ?? "";

  test("a person sees visits, the cache and the limit at work", limit, async () => {
    await page.goto(running(web).url);
    expect(await textOf("#visits")).toBe("1");
    await page.locator("#report-caption", { hasText: "made just now" }).waitFor();
    await page.locator("#ask-report").click();
    await page.locator("#report-caption", { hasText: "from the cache" }).waitFor();
    expect(await textOf("#report-caption")).toMatch(/^from the cache, \d+\ss old, made by process \d+$/);

    for (const left of ["4", "3", "2", "1", "0"]) {
      await page.locator("#throw").click();
      await page.locator("#limit-caption", { hasText: `${left} of 5 throws left` }).waitFor();
      expect(await textOf("#dice")).toMatch(/^[1-6]$/);
    }
    await page.locator("#throw").click();
    await page.locator("#limit-caption", { hasText: "no more throws" }).waitFor();
    expect(await textOf("#dice")).toBe("429");
    expect(await page.locator("#left").getAttribute("value")).toBe("0");

    const before = await page.context().cookies();
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("Password").fill("sesame");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator("#user", { hasText: "Ada" }).waitFor();
    expect(await textOf("#visits")).toBe("2");
    const after = await page.context().cookies();
    expect(after).toEqual([
      expect.objectContaining({ name: "session", httpOnly: true, sameSite: "Lax", expires: -1 }),
    ]);
    expect(after[0]?.value).not.toBe(before[0]?.value);
    expect(await page.evaluate("document.cookie")).toBe("");
    const shot = process.env["KV_WEB_SCREENSHOT"];
    if (shot !== undefined) {
      await page.locator("#throw").click();
      await page.locator("#report-caption", { hasText: "from the cache" }).waitFor();
      await page.screenshot({ path: shot });
    }

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in" }).waitFor();
    expect(await textOf("#visits")).toBe("1");
    expect(complaints).toEqual([]);
  });

  test("on localhost a browser takes a secure cookie with the prefix __Host-", limit, async () => {
    await using secure = await startWeb({ KV_URL: "memory:", WEB_HTTPS: "1" });
    const context = await running(browser).newContext();
    const other = await context.newPage();
    await other.goto(secure.url);
    await other.goto(secure.url);
    expect(await other.locator("#visits").textContent()).toBe("2");
    expect((await context.cookies()).map(({ name }) => name)).toEqual(["__Host-session"]);
    await context.close();
  });
}

function running<T>(started: T | undefined): T {
  if (started === undefined) throw new Error("It was to be started before the tests.");
  return started;
}
