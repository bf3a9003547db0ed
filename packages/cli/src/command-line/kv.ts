import { createRequire } from "node:module";
import { type FullStore, isStoreError } from "@kv/core";
import type { Call, Command } from "../commands/command.ts";
import { checkExists, openStore } from "../location/backends.ts";
import { locationText, parseLocation } from "../location/location.ts";
import { redactor } from "../terminal/secrets.ts";
import { isPrintable, printableJson, type Terminal, write } from "../terminal/terminal.ts";
import { type ExitCode, exitCodeOf, exitCodes, UsageError } from "../usage/exit-codes.ts";
import { checkOptions, type Options } from "../usage/options.ts";
import { checkCount, commandNamed, parseCommandLine } from "./command-line.ts";
import { generalHelp, helpOf } from "./help.ts";

/**
 * Runs the `kv` command. Resolves with the exit code, and never rejects.
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
  const redact = (text: string): string => redactor(addresses)(text);
  const printNotice = (line: string): void => {
    terminal.stderr.write(`${redact(line)}\n`);
  };
  const locate: Call["locate"] = (operand) => {
    const text = locationText(operand, terminal.env);
    addresses.push(text);
    return parseLocation(text);
  };
  try {
    return await dispatch(args, { terminal, printNotice, locate });
  } catch (error) {
    // Redacted before it becomes JSON, which would escape a quote in a password.
    const message = redact(messageOf(error));
    printNotice(
      args.includes("--json") ? printableJson({ error: { code: codeOf(error), message } }) : `kv: ${message}`,
    );
    return exitCodeOf(error);
  }
}

type CallContext = Pick<Call, "terminal" | "printNotice" | "locate">;

async function dispatch([name, ...args]: readonly string[], context: CallContext): Promise<ExitCode> {
  const { terminal } = context;
  if (name === "--version") {
    await write(terminal, `${version()}\n`);
    return exitCodes.done;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    await write(terminal, generalHelp());
    return exitCodes.done;
  }
  const [found, command] = commandNamed(name);
  const { operands, values } = parseCommandLine(found, command, args);
  if (values["help"] === true) {
    await write(terminal, helpOf(found, command));
    return exitCodes.done;
  }
  checkCount(found, command, operands);
  return callCommand(command, operands, checkOptions(values), context);
}

/** Runs a command, and closes the stores that it opened, whatever happens. */
async function callCommand(
  command: Command,
  operands: readonly string[],
  options: Options,
  context: CallContext,
): Promise<ExitCode> {
  const opened: FullStore[] = [];
  const open: Call["open"] = async (location, namespace, mustExist) => {
    const root = await openStore(location, options.timeout);
    opened.push(root);
    if (mustExist) await checkExists(location);
    return namespace.reduce((store, name) => store.withNamespace(name), root);
  };
  let code: ExitCode;
  try {
    code = await command.run({ ...context, operands, options, open });
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

/** Says what happened and, in the driver's own words, why. A bug in the command itself comes with its stack. */
function messageOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (!isStoreError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { code, message, cause } = error;
  const why =
    cause instanceof Error && cause.message !== "" && isPrintable(cause.message) ? ` [${cause.message}]` : "";
  return `${message} (${code})${why}`;
}

function version(): string {
  const manifest = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  return manifest.version;
}
