import { resolve } from "node:path";
import { nearest } from "@kv/core/driver";
import { directoryOf } from "@kv/from-url";
import { withoutPassword } from "../terminal/secrets.ts";
import { UsageError } from "../usage/exit-codes.ts";

/** The location of a store, as given on the command line. */
export interface Location {
  readonly backend: "file" | "redis" | "valkey";
  /** The URL for `storeFromUrl`. */
  readonly url: string;
  /** The namespace at which the application opened its store, where it is not the default. */
  readonly root: string | undefined;
  /** The folder of a store of files. */
  readonly directory?: string;
  /** For messages: without the password. */
  readonly display: string;
  /** Equal for two spellings of the same location, as far as that can be told without connecting. */
  readonly identity: string;
  /** The path of the namespace at which the store begins. */
  readonly path: readonly string[];
}

/** Names an environment variable that holds the location, to keep passwords out of the list of processes. */
const fromEnvironment = /^env:(.+)$/s;
const schemes = ["file:", "redis:", "rediss:", "valkey:", "valkeys:"];

/** Returns the text of a location, read from the environment variable where it names one. */
export function locationText(text: string, env: Readonly<Record<string, string | undefined>>): string {
  const variable = fromEnvironment.exec(text)?.[1];
  if (variable === undefined) return text;
  const found = env[variable];
  if (found !== undefined && found !== "") return found;
  throw new UsageError(`The environment variable ${variable} is not set.`);
}

export function parseLocation(text: string): Location {
  const scheme = /^[a-z]+:/i.exec(text)?.[0].toLowerCase() ?? "";
  if (scheme === "file:") return fileLocation(text);
  if (schemes.includes(scheme)) return serverLocation(text);
  const meant = nearest(scheme, [...schemes, "env:"]);
  throw new UsageError(
    `There is no store ${JSON.stringify(withoutPassword(text))}.${meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`} A store is file:./folder, redis://host:6379, valkey://host:6379 (rediss, valkeys: over TLS) or env:NAME, a variable that holds one of these.`,
  );
}

function fileLocation(text: string): Location {
  const [written = "", ...query] = text.split("?");
  const options = new URLSearchParams(query.join("?"));
  const root = options.get("root") ?? undefined;
  options.delete("root");
  if (written === "file:") throw new UsageError("A store of files needs a folder, like file:./data.");
  const path = pathOf(written);
  const directory = resolve(path);
  return {
    backend: "file",
    url: options.size === 0 ? written : `${written}?${options.toString()}`,
    root,
    directory,
    display: `file:${path}`,
    identity: directory,
    path: root === undefined ? [] : [root],
  };
}

function pathOf(url: string): string {
  try {
    return directoryOf(url);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${JSON.stringify(url)} is not a valid path. ${error.message}`, { cause: error });
  }
}

function serverLocation(text: string): Location {
  const display = withoutPassword(text);
  const wrong = (): UsageError =>
    new UsageError(
      `${JSON.stringify(display)} is not a valid address. Write it like redis://user:password@host:6379/0, with ?root=NAME for a store that does not begin at the namespace KV. Percent-encode special characters in the password.`,
    );
  if (!URL.canParse(text)) throw wrong();
  const url = new URL(text);
  const root = url.searchParams.get("root") ?? undefined;
  if ([...url.searchParams.keys()].some((name) => name !== "root") || url.hostname === "") throw wrong();
  url.search = "";
  return {
    backend: url.protocol.startsWith("redis") ? "redis" : "valkey",
    url: url.href,
    root,
    display,
    identity: `${url.hostname.toLowerCase()}:${url.port || "6379"}/${url.pathname.slice(1) || "0"}`,
    path: [root ?? "KV"],
  };
}
