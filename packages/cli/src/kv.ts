import { createRequire } from "node:module";
import { type FullStore, isStoreError } from "@kv/core";
import { checkThere, openStore } from "./backends.ts";
import type { Call, Command } from "./command.ts";
import { checkCount, commandNamed, parseCommandLine } from "./command-line.ts";
import { type ExitCode, exitCodeOf, exitCodes, UsageError } from "./exit-codes.ts";
import { generalHelp, helpOf } from "./help.ts";
import { locationText, parseLocation } from "./location.ts";
import { checkOptions, type Options } from "./options.ts";
import { hiding } from "./secrets.ts";
import { answer, isPrintable, printableJson, type Terminal } from "./terminal.ts";

/**
 * Runs the `kv` command: does what the arguments say, and resolves with the code to exit with. It never rejects.
 *
 * @example
 * ```ts
 * import { kv } from "@kv/cli";
 *
 * process.exitCode = await kv(["keys", "file:./.kv"], process);
 * ```
 */
export async function kv(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const addresses = [...args];
  const hide = (text: string): string => hiding(addresses)(text);
  const tell = (line: string): void => {
    terminal.stderr.write(`${hide(line)}\n`);
  };
  const locate: Call["locate"] = (operand) => {
    const text = locationText(operand, terminal.env);
    addresses.push(text);
    return parseLocation(text);
  };
  try {
    return await obey(args, { terminal, tell, locate });
  } catch (error) {
    // Hidden before it becomes JSON, which spells a quote in a password in another way.
    const message = hide(messageOf(error));
    tell(
      args.includes("--json") ? printableJson({ error: { code: codeOf(error), message } }) : `kv: ${message}`,
    );
    return exitCodeOf(error);
  }
}

type Surroundings = Pick<Call, "terminal" | "tell" | "locate">;

async function obey([name, ...args]: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal } = surroundings;
  if (name === "--version") {
    await answer(terminal, `${version()}\n`);
    return exitCodes.done;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    await answer(terminal, generalHelp());
    return exitCodes.done;
  }
  const [found, command] = commandNamed(name);
  const { operands, values } = parseCommandLine(found, command, args);
  if (values["help"] === true) {
    await answer(terminal, helpOf(found, command));
    return exitCodes.done;
  }
  checkCount(found, command, operands);
  return callCommand(command, operands, checkOptions(values), surroundings);
}

/** Runs a command, and closes what it opened, whatever happens. */
async function callCommand(
  command: Command,
  operands: readonly string[],
  options: Options,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const opened: FullStore[] = [];
  const open: Call["open"] = async (location, namespace, mustBeThere) => {
    const root = await openStore(location, options.timeout);
    opened.push(root);
    if (mustBeThere) await checkThere(location);
    return namespace.reduce((store, name) => store.withNamespace(name), root);
  };
  let code: ExitCode;
  try {
    code = await command.run({ ...surroundings, operands, options, open });
  } catch (error) {
    await Promise.allSettled(opened.map((store) => store.close())); // the first error is the one that matters
    throw error;
  }
  await Promise.all(opened.map((store) => store.close()));
  return code;
}

function codeOf(error: unknown): string {
  if (error instanceof UsageError) return "USAGE";
  return isStoreError(error) ? error.code : "FAILED";
}

/** What happened and, in the driver's own words, why. A fault of the command itself is told in full. */
function messageOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (!isStoreError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { code, message, cause } = error;
  const why =
    cause instanceof Error && cause.message !== "" && isPrintable(cause.message) ? ` [${cause.message}]` : "";
  return `${message} (${code})${why}`;
}

function version(): string {
  const manifest = createRequire(import.meta.url)("../package.json") as { readonly version: string };
  return manifest.version;
}
