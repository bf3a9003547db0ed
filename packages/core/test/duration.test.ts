import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capMs, durationMs } from "../src/driver.ts";
import type { Duration } from "../src/index.ts";

const day = 86_400_000;

describe("T5 durations", () => {
  test.each<[Duration, number]>([
    [1, 1_000],
    [0.5, 500],
    [16.1, 16_100], // 16100.000000000002 in floating point
    ["0.27m", 16_200], // 16200.000000000002
    [{ days: 0.28 }, 24_192_000], // 24192000.000000004
    [1.005, 1_005], // 1004.9999999999999
    [0.07, 70],
    [0.0001, 1],
    [1e-12, 1],
    [1.0001, 1_001],
    ["500ms", 500],
    ["0.5ms", 1],
    ["30s", 30_000],
    ["15m", 900_000],
    ["1.5h", 5_400_000],
    ["7d", 7 * day],
    [{ hours: 1, minutes: 30 }, 5_400_000],
    [{ weeks: 1, days: 1, seconds: 1, milliseconds: 1 }, 8 * day + 1_001],
    [{ minutes: 5, hours: undefined }, 300_000],
    ["36525d", 36_525 * day],
    [1_000 * 365.25 * 86_400, 365_250 * day],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])("T5 %j is %d ms", (duration, ms) => {
    expect(durationMs(duration, "expiresIn")).toBe(ms);
  });

  test("T5 a Temporal.Duration fits, whose fields are accessors of its prototype", () => {
    class TemporalDuration {
      get years(): number {
        return 0;
      }
      get hours(): number {
        return 2;
      }
      get nanoseconds(): number {
        return 1;
      }
    }
    expect(durationMs(new TemporalDuration() as Duration, "expiresIn")).toBe(7_200_001);
  });

  test.each<[unknown, ErrorConstructor, RegExp]>([
    [0, RangeError, /longer than 0/],
    [-0, RangeError, /longer than 0/],
    [-1, RangeError, /longer than 0/],
    [Number.NaN, RangeError, /NaN/],
    [Number.NEGATIVE_INFINITY, RangeError, /longer than 0/],
    ["0s", RangeError, /longer than 0/],
    ["-5m", RangeError, /longer than 0/],
    [{}, RangeError, /longer than 0/],
    [{ hours: 1, minutes: -1 }, RangeError, /minutes/],
    [{ hours: Number.NaN }, RangeError, /hours/],
    [1_000 * 365.25 * 86_400 + 1, RangeError, /1,000 years/],
    ["365251d", RangeError, /1,000 years/],
    ["60", TypeError, /number and a unit/],
    ["", TypeError, /number and a unit/],
    ["5 m", TypeError, /number and a unit/],
    ["5M", TypeError, /number and a unit/],
    ["1y", TypeError, /number and a unit/],
    ["Infinitys", TypeError, /number and a unit/],
    ["NaNs", TypeError, /number and a unit/],
    ["１s", TypeError, /number and a unit/],
    [{ years: 1 }, TypeError, /years/],
    [{ months: 1 }, TypeError, /months/],
    [{ minute: 1 }, TypeError, /minute/],
    [{ minutes: "1" }, TypeError, /minutes/],
    [null, TypeError, /null/],
    [undefined, TypeError, /undefined/],
    [true, TypeError, /boolean/],
    [5n, TypeError, /bigint/],
  ])("T5 %s is refused", (duration, kind, message) => {
    const asked = (): number => durationMs(duration as Duration, "expiresIn");
    expect(asked).toThrow(kind);
    expect(asked).toThrow(message);
    expect(asked).toThrow(/expiresIn/);
  });

  test("E2 of a text that is no duration the error shows 40 characters", () => {
    expect(() => durationMs("x".repeat(1_000) as Duration, "expiresIn")).toThrow(/not "x{40}"\.$/);
  });

  test("T5 what comes from outside is cut to 1,000 years, which are a duration", () => {
    expect([0, -5, 1, 365_250 * day].map(capMs)).toEqual([0, -5, 1, 365_250 * day]);
    for (const ms of [365_250 * day + 1, 1e15, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      expect(durationMs({ milliseconds: capMs(ms) }, "ttl")).toBe(365_250 * day);
    }
    expect(capMs(Number.NaN)).toBeNaN();
  });

  test("T5 every whole number of milliseconds is exact, however it is told", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 365_250 * day }), (ms) => {
        expect(durationMs(ms / 1_000, "expiresIn")).toBe(ms);
        expect(durationMs(`${ms}ms`, "expiresIn")).toBe(ms);
        expect(durationMs({ milliseconds: ms }, "expiresIn")).toBe(ms);
      }),
    );
  });
});
