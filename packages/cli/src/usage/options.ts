import type { Duration } from "@kv/core";
import { checkName, durationMs } from "@kv/core/driver";
import { UsageError } from "./exit-codes.ts";

/** The options of all commands, each with one meaning. */
export const optionTable = {
  namespace: {
    type: "string",
    multiple: true,
    short: "n",
    label: "NAME",
    help: "the namespace; repeat it for a namespace below",
  },
  "to-namespace": {
    type: "string",
    multiple: true,
    label: "NAME",
    help: "the namespace in the target. Default: the same; repeat it for a namespace below",
  },
  prefix: { type: "string", label: "TEXT", help: "only the keys that begin with this text" },
  "expires-in": {
    type: "string",
    label: "TIME",
    help: "how long the entry lives: 500ms, 30s, 15m, 2h, 7d. Default: for ever",
  },
  "keep-expiry": { type: "boolean", help: "keep the expiry of the entry that is replaced" },
  "if-absent": { type: "boolean", help: "leave existing entries as they are" },
  yes: { type: "boolean", short: "y", help: "do not ask" },
  progress: { type: "boolean", help: "show progress, without a terminal too" },
  json: { type: "boolean", help: "answer in JSON" },
  timeout: { type: "string", label: "TIME", help: "how long each step may take. Default: 5s" },
  out: { type: "string", label: "FOLDER", help: "where the report is written. Default: kv-reports" },
  seed: { type: "string", label: "NUMBER", help: "the seed of everything random. Default: a new one" },
  runs: { type: "string", label: "NUMBER", help: "how many random runs of each kind. Default: 50" },
  rule: {
    type: "string",
    multiple: true,
    label: "RULE",
    help: "only the cases of this rule, like T2; repeat it for another",
  },
} as const;

export type OptionName = keyof typeof optionTable;

/** The options, checked. */
export interface Options {
  readonly namespace: readonly string[];
  readonly toNamespace: readonly string[] | undefined;
  readonly prefix: string | undefined;
  readonly expiresIn: Duration | undefined;
  readonly keepExpiry: boolean;
  readonly ifAbsent: boolean;
  readonly yes: boolean;
  readonly progress: boolean;
  readonly json: boolean;
  readonly timeout: Duration;
  readonly out: string;
  readonly seed: number | undefined;
  readonly runs: number | undefined;
  readonly rule: readonly string[];
}

export type OptionValues = Readonly<Partial<Record<string, string | boolean | (string | boolean)[]>>>;

/**
 * Checks the options.
 *
 * @throws UsageError for an invalid name, time or number, and for options that exclude each other
 */
export function checkOptions(values: OptionValues): Options {
  const options: Options = {
    namespace: names(values["namespace"], "--namespace") ?? [],
    toNamespace: names(values["to-namespace"], "--to-namespace"),
    prefix: values["prefix"] as string | undefined,
    expiresIn: duration(values["expires-in"], "--expires-in"),
    keepExpiry: values["keep-expiry"] === true,
    ifAbsent: values["if-absent"] === true,
    yes: values["yes"] === true,
    progress: values["progress"] === true,
    json: values["json"] === true,
    timeout: duration(values["timeout"], "--timeout") ?? "5s",
    out: (values["out"] as string | undefined) ?? "kv-reports",
    seed: integer(values["seed"], "--seed", 0),
    runs: integer(values["runs"], "--runs", 1),
    rule: (values["rule"] as string[] | undefined) ?? [],
  };
  if (options.keepExpiry && (options.expiresIn !== undefined || options.ifAbsent)) {
    throw new UsageError("--keep-expiry cannot be combined with --expires-in or --if-absent.");
  }
  return options;
}

function names(values: unknown, option: string): string[] | undefined {
  return (values as string[] | undefined)?.map((name) => refusing(option, () => checkName(name)));
}

function duration(value: unknown, option: string): Duration | undefined {
  if (value === undefined) return undefined;
  return refusing(option, () => ({ milliseconds: durationMs(value as Duration, option) }));
}

function integer(value: unknown, option: string, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d+$/.test(value as string) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`${option} must be an integer from ${least} on, not ${JSON.stringify(value)}.`);
}

function refusing<T>(option: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const message = error.message.startsWith(option) ? error.message : `${option}: ${error.message}`;
    throw new UsageError(message, { cause: error });
  }
}
