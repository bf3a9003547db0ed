import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHttpDate } from "../src/cache/http-date.ts";

const nowMs = Date.UTC(2026, 6, 1, 12);
const parsed = (text: string, atMs = nowMs): string | undefined => {
  const ms = parseHttpDate(text, atMs);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe("a date of HTTP", () => {
  test.each([
    ["as it is written today", "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["as RFC 850 had it", "Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["as asctime writes it", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37.000Z"],
    ["as asctime writes it, of two digits", "Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37.000Z"],
    [
      "in other letters, as RFC 9111 asks of caches",
      "SUN, 06 nov 1994 08:49:37 gmt",
      "1994-11-06T08:49:37.000Z",
    ],
    [
      "of another day of the week, which says nothing more",
      "Mon, 06 Nov 1994 08:49:37 GMT",
      "1994-11-06T08:49:37.000Z",
    ],
    ["of a leap day", "Thu, 29 Feb 2024 00:00:00 GMT", "2024-02-29T00:00:00.000Z"],
    ["of a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00.000Z"],
    ["of the first centuries", "Mon, 01 Jan 0050 00:00:00 GMT", "0050-01-01T00:00:00.000Z"],
    ["of the last year", "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59.000Z"],
  ])("%s", (_what, text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  test.each([
    ["nothing", ""],
    ["a year", "2050"],
    ["a day", "18 Aug 2050"],
    ["seconds", "3600"],
    ["zero", "0"],
    ["less than zero", "-1"],
    ["a date of another standard", "2050-08-18T02:01:18Z"],
    ["one without a day of the week", "18 Aug 2050 02:01:18 GMT"],
    ["one without a comma", "Thu 18 Aug 2050 02:01:18 GMT"],
    ["one with dashes", "Thu, 18-Aug-2050 02:01:18 GMT"],
    ["one with two digits of its year", "Thu, 18 Aug 50 02:01:18 GMT"],
    ["one with one digit of its day", "Mon, 8 Aug 2050 02:01:18 GMT"],
    ["one with one digit of its hour", "Thu, 18 Aug 2050 2:01:18 GMT"],
    ["one without seconds", "Thu, 18 Aug 2050 02:01 GMT"],
    ["one with more spaces", "Thu, 18  Aug 2050 02:01:18 GMT"],
    ["one in another zone", "Thu, 18 Aug 2050 02:01:18 UTC"],
    ["one at an offset", "Thu, 18 Aug 2050 02:01:18 +0000"],
    ["one without a zone", "Thu, 18 Aug 2050 02:01:18"],
    ["one of no month", "Thu, 18 Avg 2050 02:01:18 GMT"],
    ["one of no day of the week", "Thy, 18 Aug 2050 02:01:18 GMT"],
    ["one of no day of its month", "Thu, 31 Feb 2050 02:01:18 GMT"],
    ["one of day 0", "Thu, 00 Aug 2050 02:01:18 GMT"],
    ["one at 24 o'clock", "Thu, 18 Aug 2050 24:01:18 GMT"],
    ["one of the 60th minute", "Thu, 18 Aug 2050 02:60:18 GMT"],
    ["one of the 61st second", "Thu, 18 Aug 2050 02:01:61 GMT"],
    ["two of them", "Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT"],
    ["one with something after it", "Thu, 18 Aug 2050 02:01:18 GMT;"],
  ])("is not %s", (_what, text) => {
    expect(parsed(text)).toBeUndefined();
  });

  test.each([
    ["06-Nov-26", "2026"],
    ["06-Nov-00", "2000"],
    ["30-Jun-76", "2076"],
    ["02-Jul-76", "1976"],
    ["06-Nov-77", "1977"],
    ["06-Nov-99", "1999"],
  ])("with two digits of its year, %s, is of the latest year that is at most 50 ahead", (day, year) => {
    expect(parsed(`Sunday, ${day} 08:49:37 GMT`)?.slice(0, 4)).toBe(year);
  });

  test("at the end of a century, too", () => {
    const at2090 = Date.UTC(2090, 0);
    expect(parsed("Sunday, 06-Nov-10 08:49:37 GMT", at2090)).toMatch(/^2110/);
    expect(parsed("Sunday, 06-Nov-50 08:49:37 GMT", at2090)).toMatch(/^2050/);
    expect(parsed("Sunday, 29-Feb-00 08:49:37 GMT", at2090)).toBeUndefined(); // 2100 has none
  });

  test("what a date is written as is that date again, to the second", () => {
    const seconds = fc.integer({ min: Date.parse("0000-01-01") / 1000, max: Date.UTC(9999, 11, 31) / 1000 });
    fc.assert(
      fc.property(seconds, (second) => {
        expect(parseHttpDate(new Date(second * 1000).toUTCString(), nowMs)).toBe(second * 1000);
      }),
    );
  });

  test("no text breaks it", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseHttpDate(text, nowMs)).toBeUndefined();
      }),
    );
  });
});
