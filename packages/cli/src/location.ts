import { resolve } from "node:path";
import { nearest } from "@kv/core/driver";
import { directoryOf } from "@kv/from-url";
import { UsageError } from "./exit-codes.ts";
import { withoutPassword } from "./secrets.ts";

/** Where a store is, as the command is told. */
export interface Location {
  readonly backend: "file" | "redis" | "valkey";
  /** What `storeFromUrl` opens. */
  readonly url: string;
  /** The namespace at which the application opened its store, where it is not the default. */
  readonly root: string | undefined;
  /** Where files are kept. */
  readonly directory?: string;
  /** As it is shown: without the password. */
  readonly shown: string;
  /** The same for two spellings of one place, as far as can be told without asking. */
  readonly identity: string;
  /** The namespace at which the store begins, in that place. */
  readonly path: readonly string[];
}

/** Names an environment variable that holds the location, to keep passwords out of the list of processes. */
const fromEnvironment = /^env:(.+)$/s;
const schemes = ["file:", "redis:", "rediss:", "valkey:", "valkeys:"];

/** The text of a location, or that of the environment variable that it names. */
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
  if (written === "file:") throw new UsageError("A store of files needs its folder, like file:./data.");
  const path = pathOf(written);
  const directory = resolve(path);
  return {
    backend: "file",
    url: options.size === 0 ? written : `${written}?${options.toString()}`,
    root,
    directory,
    shown: `file:${path}`,
    identity: directory,
    path: root === undefined ? [] : [root],
  };
}

function pathOf(url: string): string {
  try {
    return directoryOf(url);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${JSON.stringify(url)} is no path. ${error.message}`, { cause: error });
  }
}

function serverLocation(text: string): Location {
  const shown = withoutPassword(text);
  const wrong = (): UsageError =>
    new UsageError(
      `${JSON.stringify(shown)} is no address: it must be like redis://user:password@host:6379/0, with ?root=NAME for a store that does not begin at the namespace KV. What is special in a password is percent-encoded.`,
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
    shown,
    identity: `${url.hostname.toLowerCase()}:${url.port || "6379"}/${url.pathname.slice(1) || "0"}`,
    path: [root ?? "KV"],
  };
}
