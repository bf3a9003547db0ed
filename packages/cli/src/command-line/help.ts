import type { Command } from "../commands/command.ts";
import { type OptionName, optionTable } from "../usage/options.ts";
import { commands } from "./commands.ts";

/** Returns the text of `kv --help`. */
export function generalHelp(): string {
  const lines = [...commands].map(
    ([name, { operands, summary }]) => [`${name} ${operands}`, summary] as const,
  );
  return `Usage: kv COMMAND STORE ... [options]

${table(lines)}

A STORE is file:./folder, redis://user:password@host:6379/0, valkey://..., rediss:// or valkeys:// over TLS,
or env:NAME, an environment variable that holds one of these, which keeps passwords out of the list of processes.
On a server the store begins at the namespace KV, in files at none. For another one: redis://host:6379?root=NAME.

Exit codes: 0 done, 1 no (no such key, you answered no, or a rule is broken), 2 wrong usage, 3 failed, 4 the store cannot be
reached and nothing was changed, 5 the outcome of a write is unknown.

kv COMMAND --help lists the options of a command.
`;
}

/** Returns the text of `kv COMMAND --help`. */
export function helpOf(name: string, { operands, summary, details, options }: Command): string {
  return `Usage: kv ${name} ${operands} [options]

${summary[0]?.toUpperCase()}${summary.slice(1)}.${details === undefined ? "" : `\n\n${details}`}

${table(options.map((option) => [spelled(option), optionTable[option].help] as const))}
`;
}

function spelled(option: OptionName): string {
  const known: { readonly help: string; readonly short?: string; readonly label?: string } =
    optionTable[option];
  return `${known.short === undefined ? "" : `-${known.short}, `}--${option}${known.label === undefined ? "" : ` ${known.label}`}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
