import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { About, Harness } from "@kv/testkit";
import { UsageError } from "../usage/exit-codes.ts";

/** The exports of a harness module. */
export interface HarnessModule {
  readonly harness: Harness;
  readonly about: About | undefined;
  /** Ends what the module has started. */
  readonly close: () => unknown;
}

/**
 * Imports a harness module, and calls its default export where that is a function.
 *
 * @throws UsageError where it cannot be imported, or exports something else
 */
export async function loadHarness(path: string): Promise<HarnessModule> {
  const exported = await importModule(path);
  const made: unknown = exported["default"];
  const harness: unknown = typeof made === "function" ? await made() : made;
  const { about, close = () => undefined } = exported;
  const wrong = [
    ...missingIn(harness, { name: "string", capabilities: "object", open: "function" }),
    ...(about === undefined ? [] : missingIn(about, { name: "string", version: "string" }, "about.")),
    ...(typeof close === "function" ? [] : ["close is no function"]),
  ];
  if (wrong.length > 0) {
    throw new UsageError(
      `${path} exports no harness: ${wrong.join(", ")}. Its default export must be a harness of @kv/testkit, like { name, capabilities, open }, or a function that returns one.`,
    );
  }
  return { harness: harness as Harness, about: about as About, close: close as () => unknown };
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}.`);
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const why = Reflect.get(Object(error), "code") === "ERR_UNKNOWN_FILE_EXTENSION" ? "" : stackOf(error);
    const hint = /\.[cm]?tsx?$/.test(path) ? `\n${typescriptHint(path)}` : "";
    throw new UsageError(`${path} cannot be imported.${why === "" ? "" : ` ${why}`}${hint}`, {
      cause: error,
    });
  }
}

function typescriptHint(path: string): string {
  return `TypeScript needs Node 22.18 or later (this is ${process.versions.node}), or tsx: NODE_OPTIONS="--import tsx" npx kv prove ${path}`;
}

/** Returns the stack without the frames of Node, which say nothing about the module. */
function stackOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return stack
    .split("\n")
    .filter((line) => !/^\s+at .*node:internal/.test(line))
    .join("\n");
}

/** Lists what an object lacks. */
function missingIn(value: unknown, types: Readonly<Record<string, string>>, prefix = ""): string[] {
  return Object.entries(types).flatMap(([name, type]) =>
    typeof Reflect.get(Object(value), name) === type ? [] : [`${prefix}${name} is missing`],
  );
}
