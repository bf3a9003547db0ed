import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./exit-codes.ts";
import { withoutPassword } from "./secrets.ts";

/** Where a store is, as the command is told. */
export type Location = FileLocation | ServerLocation;

export interface FileLocation extends AnyLocation {
  readonly backend: "file";
  readonly directory: string;
}

export interface ServerLocation extends AnyLocation {
  readonly backend: "redis" | "valkey";
  readonly url: string;
  /** The namespace at which the application opened its store, where it is not the default. */
  readonly root: string | undefined;
}

interface AnyLocation {
  /** As it is shown: without the password. */
  readonly shown: string;
  /** The same for two spellings of one location, as far as can be told without asking. */
  readonly identity: string;
}

/** Names an environment variable that holds the location, to keep passwords out of the list of processes. */
const fromEnvironment = /^env:(.+)$/s;
const scheme = /^(file|redis|valkey)(s?):/i;

/** The text of a location, or that of the environment variable that it names. */
export function locationText(text: string, env: Readonly<Record<string, string | undefined>>): string {
  const variable = fromEnvironment.exec(text)?.[1];
  if (variable === undefined) return text;
  const found = env[variable];
  if (found !== undefined && found !== "") return found;
  throw new UsageError(`The environment variable ${variable} is not set.`);
}

export function parseLocation(text: string): Location {
  const [, backend, tls] = scheme.exec(text) ?? [];
  if (backend === undefined || (backend.toLowerCase() === "file" && tls !== "")) {
    throw new UsageError(
      `There is no store ${JSON.stringify(withoutPassword(text))}. A store is file:./folder, redis://host:6379, valkey://host:6379 (rediss, valkeys: over TLS) or env:NAME, a variable that holds one of these.`,
    );
  }
  return backend.toLowerCase() === "file" ? fileLocation(text) : serverLocation(text);
}

function fileLocation(text: string): FileLocation {
  const path = text.startsWith("file://") ? pathOf(text) : text.slice("file:".length);
  if (path === "") throw new UsageError("A store of files needs its folder, like file:./data.");
  const directory = resolve(path);
  return { backend: "file", directory, shown: `file:${path}`, identity: directory };
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${JSON.stringify(url)} is no path: write file:./folder or file:///folder.`, {
      cause: error,
    });
  }
}

function serverLocation(text: string): ServerLocation {
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
    identity: `${url.hostname.toLowerCase()}:${url.port || "6379"}/${url.pathname.slice(1) || "0"}?${root ?? "KV"}`,
  };
}
