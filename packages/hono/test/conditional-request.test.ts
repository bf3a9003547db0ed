import { describe, expect, test } from "vitest";
import { isNotModified } from "../src/cache/conditional-request.ts";

const nowMs = Date.UTC(2026, 0, 1);

function isNotModifiedBy(asked: Record<string, string>, response: Record<string, string>): boolean {
  return isNotModified(new Headers(asked), new Headers(response), nowMs);
}

describe("If-None-Match", () => {
  test.each([
    ['"one"', true],
    ['W/"one"', true],
    ['"one", "two", "three"', true],
    ['"two" ,W/"one","three"', true],
    ['"two", "three", "one"', true],
    ["*", true],
    ['"two"', false],
    ['"one', false],
    ["one", false],
    ["", false],
  ])("%s", (tags, expected) => {
    expect(isNotModifiedBy({ "If-None-Match": tags }, { ETag: '"one"' })).toBe(expected);
    expect(isNotModifiedBy({ "If-None-Match": tags }, { ETag: 'W/"one"' })).toBe(expected);
    if (tags !== "*") expect(isNotModifiedBy({ "If-None-Match": tags }, {})).toBe(false);
  });
});

describe("If-Modified-Since", () => {
  const date = "Thu, 01 Jan 2026 00:00:00 GMT";
  const before = "Wed, 31 Dec 2025 23:59:59 GMT";

  test.each([
    ["the date of the response", date, date, true],
    ["a later one", date, before, true],
    ["an earlier one", before, date, false],
    ["the same in a form of old", "Thu Jan  1 00:00:00 2026", date, true],
    ["the same in the other one", "Thursday, 01-Jan-26 00:00:00 GMT", date, true],
  ])("compares with %s", (_what, since, modified, expected) => {
    expect(isNotModifiedBy({ "If-Modified-Since": since }, { "Last-Modified": modified })).toBe(expected);
  });

  test.each(["2030", "18 Aug 2050", "0", "-1", "", `${date}, ${date}`])(
    "that is %j is no date, and says nothing",
    (text) => {
      expect(isNotModifiedBy({ "If-Modified-Since": text }, { "Last-Modified": before })).toBe(false);
      expect(isNotModifiedBy({ "If-Modified-Since": date }, { "Last-Modified": text })).toBe(false);
      expect(isNotModifiedBy({ "If-Modified-Since": text }, { "Last-Modified": text })).toBe(false);
    },
  );

  test("says nothing beside If-None-Match, whatever that is", () => {
    const asked = { "If-Modified-Since": date, "If-None-Match": '"other"' };
    expect(isNotModifiedBy(asked, { "Last-Modified": date, ETag: '"one"' })).toBe(false);
    expect(isNotModifiedBy({ ...asked, "If-None-Match": "" }, { "Last-Modified": date })).toBe(false);
  });
});
