import { parseArgs } from "node:util";
import { nearest } from "@kv/core/driver";
import type { Command } from "../commands/command.ts";
import { printableJson } from "../terminal/terminal.ts";
import { UsageError } from "../usage/exit-codes.ts";
import { type OptionName, type OptionValues, optionTable } from "../usage/options.ts";
import { commands } from "./commands.ts";

/** Finds the command of a name. */
export function commandNamed(name: string | undefined): readonly [name: string, command: Command] {
  if (name === undefined) {
    throw new UsageError(
      "kv reads, changes, empties and copies key-value stores in files, Redis and Valkey. Start with: kv keys redis://localhost:6379. See kv --help.",
    );
  }
  const command = commands.get(name);
  if (command !== undefined) return [name, command];
  const meant = nearest(name, [...commands.keys(), "help", "--help", "--version"]);
  const hint = meant === undefined && name.startsWith("-") ? " The command comes first, then the store." : "";
  throw new UsageError(
    `There is no command ${printableJson(name)}.${didYouMean(meant)}${hint} See kv --help.`,
  );
}

/**
 * Splits what follows a command's name into operands and options.
 *
 * @throws UsageError for an option that the command does not have, and for a value that is missing or superfluous
 */
export function parseCommandLine(
  name: string,
  command: Command,
  args: readonly string[],
): { readonly operands: readonly string[]; readonly values: OptionValues } {
  const known = Object.fromEntries(command.options.map((option) => [option, optionTable[option]]));
  const options = { ...known, help: { type: "boolean", short: "h" } } as const;
  const { positionals, values, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false, // Node's own messages are about its API
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (!Object.hasOwn(options, token.name))
      throw unknownOption(name, args[token.index] ?? "", Object.keys(options));
    checkValue(name, token.name as keyof typeof options, token);
  }
  return { operands: positionals, values };
}

/** @throws UsageError where there are too few or too many operands */
export function checkCount(
  name: string,
  { operands, count: [fewest, most] }: Command,
  given: readonly string[],
): void {
  if (given.length >= fewest && given.length <= most) return;
  const were = `${given.length === 0 ? "none" : given.length} ${given.length > 1 ? "were" : "was"} given`;
  const missing = operands.replaceAll("...", "").split(" ").slice(given.length, fewest).join(", ");
  throw new UsageError(
    `${name} takes ${operands}, and ${were}${missing === "" ? "" : `: ${missing} missing`}. See kv ${name} --help.`,
  );
}

function unknownOption(command: string, arg: string, known: readonly string[]): UsageError {
  // Nothing else of the argument is shown: it may hold anything, part of a password too.
  const [, written, dashes, word = ""] = /^((--?)([a-z\d][a-z\d-]*))(?:=|$)/is.exec(arg) ?? [];
  const meant = nearest(word, known);
  return new UsageError(
    [
      `${command} has no option ${written === undefined ? "of that form" : printableJson(written)}.`,
      didYouMean(meant === undefined ? undefined : `--${meant}`),
      meant === undefined && dashes === "-" ? " A key that begins with a dash goes after --." : "",
      ` See kv ${command} --help.`,
    ].join(""),
  );
}

function checkValue(
  command: string,
  option: OptionName | "help",
  { value, inlineValue }: { readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
): void {
  const { label }: { readonly type?: string; readonly label?: string } =
    option === "help" ? {} : optionTable[option];
  if (label === undefined) {
    if (value === undefined) return;
    throw new UsageError(`--${option} takes no value. See kv ${command} --help.`);
  }
  const isDashed = value?.startsWith("-") === true && value !== "-" && inlineValue !== true;
  if (value !== undefined && !isDashed) return;
  const inline = isDashed ? `, or --${option}=${label} for one that begins with a dash` : "";
  throw new UsageError(`--${option} needs a value: --${option} ${label}${inline}. See kv ${command} --help.`);
}

function didYouMean(meant: string | undefined): string {
  return meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
}
