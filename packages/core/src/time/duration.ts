import { callerError, describeType } from "../errors/caller-error.ts";

/** The fields of a duration, with the names and meanings of `Temporal.Duration`. All are added up. */
export interface DurationFields {
  /** Of 7 days each. */
  readonly weeks?: number | undefined;
  /** Of 24 hours each. */
  readonly days?: number | undefined;
  /** Of 60 minutes each. */
  readonly hours?: number | undefined;
  /** Of 60 seconds each. */
  readonly minutes?: number | undefined;
  /** Whole or with a fraction, as all fields. */
  readonly seconds?: number | undefined;
  /** Fractions round up. */
  readonly milliseconds?: number | undefined;
}

/** A number and a unit: milliseconds, seconds, minutes, hours or days. */
export type DurationText = `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`;

/**
 * A length of time: a number of **seconds**, a number with a unit (`"500ms"`, `"30s"`, `"15m"`, `"2h"`,
 * `"7d"`), or fields (`{ hours: 1, minutes: 30 }`; a `Temporal.Duration` fits). `Infinity` means without end.
 */
export type Duration = number | DurationText | DurationFields;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const fieldMs: Readonly<Record<string, number>> = {
  weeks: 7 * unitMs.d,
  days: unitMs.d,
  hours: unitMs.h,
  minutes: unitMs.m,
  seconds: unitMs.s,
  milliseconds: 1,
  microseconds: 1e-3,
  nanoseconds: 1e-6,
};

const spelling = /^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

const longestMs = 1_000 * 365.25 * unitMs.d;

/**
 * Cuts a lifetime that came from outside (a header, a cookie) to the longest that stores take: 1,000 years (T5).
 * Where the application itself says too much, `durationMs` refuses it.
 */
export function capMs(ms: number): number {
  return Math.min(ms, longestMs);
}

/**
 * Returns the whole milliseconds of a duration (T5); fractions of a millisecond round up, `Infinity` stays.
 *
 * @param option what the duration is for, as the error names it: `expiresIn`
 * @throws RangeError for 0, a negative duration, NaN and more than 1,000 years
 * @throws TypeError for text without a unit, unknown fields, months, years and any other type
 */
export function durationMs(duration: Duration, option: string): number {
  if (duration === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const ms = typeof duration === "number" ? duration * unitMs.s : parsedOrFieldsMs(duration, option);
  if (!(ms > 0)) {
    throw callerError(
      new RangeError(`${option} must be longer than 0, not ${ms}ms. To remove an entry, delete it.`),
    );
  }
  if (ms > longestMs) {
    throw callerError(
      new RangeError(
        `${option} must be at most 1,000 years. A number means seconds; for no expiry pass Infinity.`,
      ),
    );
  }
  return roundUpMs(ms);
}

function parsedOrFieldsMs(duration: unknown, option: string): number {
  if (typeof duration === "string") return textMs(duration, option);
  if (typeof duration === "object" && duration !== null) return fieldsMs(duration, option);
  throw callerError(
    new TypeError(
      `${option} must be a number of seconds, text like "15m" or fields like { minutes: 15 }, not ${describeType(duration)}.`,
    ),
  );
}

/** Parsed texts: a program has few durations, and spells them at every call. */
const parsed = new Map<string, number>();
const parsedAtMost = 100;

function textMs(text: string, option: string): number {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const ms = parsedMs(text, option);
  if (parsed.size < parsedAtMost) parsed.set(text, ms);
  return ms;
}

function parsedMs(text: string, option: string): number {
  const [, amount, unit] = spelling.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    throw callerError(
      new TypeError(
        `${option} must be a number and a unit (ms, s, m, h or d), like "30s" or "15m", not ${JSON.stringify(text.slice(0, 40))}.`,
      ),
    );
  }
  return Number(amount) * unitMs[unit as keyof typeof unitMs];
}

function fieldsMs(fields: object, option: string): number {
  let ms = 0;
  for (const name of fieldNames(fields)) {
    const amount: unknown = (fields as Record<string, unknown>)[name];
    if (amount === undefined) continue;
    if (typeof amount !== "number") {
      throw callerError(new TypeError(`${option}.${name} must be a number, not ${describeType(amount)}.`));
    }
    if (amount === 0) continue;
    const unit = fieldMs[name];
    if (unit === undefined) {
      throw callerError(
        new TypeError(
          `${option} cannot be told in ${name}: the fields are weeks, days, hours, minutes, seconds and milliseconds.`,
        ),
      );
    }
    if (!(amount > 0)) throw callerError(new RangeError(`${option}.${name} must not be ${amount}.`));
    ms += amount * unit;
  }
  return ms;
}

/** A Temporal.Duration has its fields as accessors of its prototype, so they are asked for by name. */
function fieldNames(fields: object): string[] {
  const own = Object.keys(fields);
  return own.length > 0 ? own : ["years", "months", ...Object.keys(fieldMs)];
}

/** 16.1 s is 16100.000000000002 ms in floating point: what lies within its noise of a whole number is that number. */
function roundUpMs(ms: number): number {
  const nearest = Math.round(ms);
  const noise = Math.abs(ms) * Number.EPSILON * 4;
  return Math.max(1, Math.abs(ms - nearest) <= noise ? nearest : Math.ceil(ms));
}
