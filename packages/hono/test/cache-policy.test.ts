import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCacheControl } from "../src/cache/cache-control.ts";
import { urlKey, variantKey } from "../src/cache/cache-key.ts";
import { cachePolicyOf } from "../src/cache/cache-policy.ts";

const nowMs = Date.UTC(2026, 0, 1);
const at = (seconds: number): string => new Date(nowMs + seconds * 1000).toUTCString();

function freshForOf(headers: Record<string, string>, status = 200, freshForMs?: number): number | undefined {
  return cachePolicyOf(new Response(null, { status, headers }), freshForMs, nowMs)?.freshForMs;
}

describe("how long a response is fresh", () => {
  test.each<[what: string, headers: Record<string, string>, seconds: number | undefined]>([
    ["max-age", { "Cache-Control": "max-age=60" }, 60],
    ["s-maxage is for caches that many share", { "Cache-Control": "max-age=0, s-maxage=60" }, 60],
    ["the other way round, too", { "Cache-Control": "s-maxage=0, max-age=60" }, undefined],
    ["in capital letters", { "Cache-Control": "Public, MAX-AGE=60" }, 60],
    ["quoted", { "Cache-Control": 'max-age="60"' }, 60],
    ["with zeros before it", { "Cache-Control": "max-age=0060" }, 60],
    ["in other quotes it is no number", { "Cache-Control": "max-age='60'" }, undefined],
    ["beside what nobody knows", { "Cache-Control": "of-nobody, max-age=60, other=1" }, 60],
    [
      "within a quotation it is none",
      { "Cache-Control": 'a="max-age=60", max-age=0, b="max-age=60"' },
      undefined,
    ],
    ["s-maxage of 0 in a line of its own", { "Cache-Control": "max-age=60, public, s-maxage=0" }, undefined],
    ["max-age before an Expires that is over", { "Cache-Control": "max-age=60", Expires: at(-60) }, 60],
    ["max-age before an Expires that is no date", { "Cache-Control": "max-age=60", Expires: "0" }, 60],
    ["max-age of 0 before Expires", { "Cache-Control": "max-age=0", Expires: at(60) }, undefined],
    ["given twice, the shorter counts", { "Cache-Control": "max-age=60, max-age=5" }, 5],
    ["what is no number is not fresh", { "Cache-Control": "max-age=soon" }, undefined],
    ["nor is what is below zero", { "Cache-Control": "max-age=-1" }, undefined],
    ["less the age it came with", { "Cache-Control": "max-age=60", Age: "20" }, 40],
    ["older than that", { "Cache-Control": "max-age=60", Age: "60" }, undefined],
    ["an age in words counts for nothing", { "Cache-Control": "max-age=60", Age: "young" }, 60],
    ["nor does one below zero", { "Cache-Control": "max-age=60", Age: "-20" }, 60],
    ["nor one with a fraction", { "Cache-Control": "max-age=60", Age: "20.5" }, 60],
    ["nor an empty one", { "Cache-Control": "max-age=60", Age: "" }, 60],
    ["of several ages the first", { "Cache-Control": "max-age=60", Age: "20, 59" }, 40],
    ["where that is none, no other", { "Cache-Control": "max-age=60", Age: "young, 20" }, 60],
    ["an age beyond all numbers", { "Cache-Control": "max-age=60", Age: "9".repeat(400) }, undefined],
    ["Expires", { Expires: at(60) }, 60],
    ["Expires now", { Expires: at(0) }, undefined],
    ["Expires before its Date", { Expires: at(60), Date: at(90) }, undefined],
    ["Expires after its Date, less the age", { Expires: at(60), Date: at(20), Age: "30" }, 10],
    ["Expires after its Date", { Expires: at(60), Date: at(20) }, 40],
    ["max-age before Expires", { Expires: at(60), "Cache-Control": "max-age=5" }, 5],
    ["Expires as RFC 850 has it", { Expires: "Thursday, 01-Jan-26 00:01:00 GMT" }, 60],
    ["Expires as asctime has it", { Expires: "Thu Jan  1 00:01:00 2026" }, 60],
    ["Expires that is no date", { Expires: "0" }, undefined],
    ["nor is a year", { Expires: "2050" }, undefined],
    ["nor a day", { Expires: "18 Aug 2050" }, undefined],
    ["nor what other standards call one", { Expires: "2050-08-18T02:01:18Z" }, undefined],
    ["nor are two of them", { Expires: `${at(60)}, ${at(60)}` }, undefined],
    ["Expires after a Date that is none: from now", { Expires: at(60), Date: "2025" }, 60],
    ["an unfinished quotation hides nothing", { "Cache-Control": 'max-age=60, private="x' }, undefined],
    [
      "a directive within a quotation is none",
      { "Cache-Control": 'ext="no-store, private", max-age=60' },
      60,
    ],
    ["no-store in capital letters", { "Cache-Control": "max-age=60, No-Store" }, undefined],
    ["nothing is said", {}, undefined],
    ["a stream of events", { "Cache-Control": "max-age=60", "Content-Type": "text/event-stream" }, undefined],
    [
      "Content-Range says nothing of a whole page",
      { "Cache-Control": "max-age=60", "Content-Range": "bytes 0-1/2" },
      60,
    ],
    ["by everything", { "Cache-Control": "max-age=60", Vary: "*, *" }, undefined],
    ["by nothing and everything", { "Cache-Control": "max-age=60", Vary: ", *" }, undefined],
    ["by something and everything", { "Cache-Control": "max-age=60", Vary: "Accept, *" }, undefined],
    ["by who asks", { "Cache-Control": "max-age=60", Vary: "accept, AUTHORIZATION" }, undefined],
  ])("%s", (_what, headers, seconds) => {
    expect(freshForOf(headers)).toBe(seconds === undefined ? undefined : seconds * 1000);
  });

  test("the default is for a 200 that says nothing, and for no other", () => {
    expect(freshForOf({}, 200, 5_000)).toBe(5_000);
    expect(freshForOf({ "Cache-Control": "public" }, 200, 5_000)).toBe(5_000);
    expect(freshForOf({ "Cache-Control": "max-age=0" }, 200, 5_000)).toBeUndefined();
    expect(freshForOf({ "Cache-Control": "private" }, 200, 5_000)).toBeUndefined();
    expect(freshForOf({}, 404, 5_000)).toBeUndefined();
    expect(freshForOf({}, 301, 5_000)).toBeUndefined();
  });

  test("it is 1,000 years at most, however long was said", () => {
    const years = (headers: Record<string, string>, freshForMs?: number): number =>
      (freshForOf(headers, 200, freshForMs) ?? 0) / (365.25 * 86_400_000);
    expect(years({ Expires: "Fri, 31 Dec 9999 23:59:59 GMT" })).toBe(1_000);
    expect(years({ Expires: at(60), Date: "Mon, 01 Jan 0001 00:00:00 GMT" })).toBe(1_000);
    expect(years({}, Number.POSITIVE_INFINITY)).toBe(1_000);
    expect(years({ "Cache-Control": `max-age=${"9".repeat(400)}` })).toBeCloseTo(68, 0); // 2 ** 31 seconds
  });

  test("statuses that stand for themselves are stored where they say so, no others", () => {
    const all = Array.from({ length: 400 }, (_, index) => 200 + index);
    const stored = all.filter(
      (status) => freshForOf({ "Cache-Control": "max-age=60" }, status) !== undefined,
    );
    expect(stored).toEqual([200, 203, 204, 300, 301, 302, 307, 308, 404, 410]);
  });

  test("stale use is as the response says, and never with must-revalidate or proxy-revalidate", () => {
    const staleOf = (control: string): unknown => {
      const terms = cachePolicyOf(
        new Response("", { headers: { "Cache-Control": control } }),
        undefined,
        nowMs,
      );
      return [terms?.staleWhileRevalidateMs, terms?.staleIfErrorMs];
    };
    expect(staleOf("max-age=1")).toEqual([0, 0]);
    expect(staleOf("s-maxage=1, stale-while-revalidate=5, stale-if-error=7")).toEqual([5_000, 7_000]);
    for (const strict of ["must-revalidate", "proxy-revalidate"]) {
      expect(staleOf(`max-age=1, stale-while-revalidate=5, stale-if-error=7, ${strict}`)).toEqual([0, 0]);
    }
  });

  test("what is encoded depends on who asked, whether it says so or not", () => {
    const headers = { "Cache-Control": "max-age=1", "Content-Encoding": "gzip" };
    for (const vary of ["Accept", "Accept, Accept-Encoding"]) {
      const terms = cachePolicyOf(
        new Response("", { headers: { ...headers, Vary: vary } }),
        undefined,
        nowMs,
      );
      expect(terms?.vary).toEqual(["accept", "accept-encoding"]);
    }
  });

  test("no header breaks it", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const { maxAge } = parseCacheControl(header);
        expect(maxAge === undefined || maxAge >= 0).toBe(true);
      }),
    );
  });
});

describe("keys", () => {
  const token = "of-a-rule";
  const url = fc.webUrl({ withQueryParameters: true });
  const value = fc.option(fc.stringMatching(/^[\x21-\x7e]{0,8}$/), { nil: undefined });
  const request = fc.record({ url, a: value, b: value });
  const keyOf = ({
    url: of,
    a,
    b,
  }: {
    url: string;
    a?: string | undefined;
    b?: string | undefined;
  }): string => {
    const headers = new Headers();
    if (a !== undefined) headers.set("A", a);
    if (b !== undefined) headers.set("B", b);
    return variantKey(of, token, ["a", "b"], headers);
  };

  test("two requests have one key only if they are the same in all that counts", () => {
    fc.assert(
      fc.property(request, request, (one, two) => {
        const isSame = one.url === two.url && one.a === two.a && one.b === two.b;
        expect(keyOf(one) === keyOf(two)).toBe(isSame);
        expect(urlKey(one.url)).not.toBe(keyOf(two));
      }),
    );
  });
});
