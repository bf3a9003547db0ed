import type { Duration, FullStore } from "@kv/core";
import { checkName, checkOptions, durationMs, nearest } from "@kv/core/driver";
import {
  type Backend,
  type BackendName,
  type Backends,
  backendTable,
  type CommonSettings,
  type StoreFactory,
} from "../backends/backends.ts";
import { loadFactory } from "../backends/load-factory.ts";

/** The options of `storeFromUrl`. */
export interface StoreFromUrlOptions {
  /** The namespace at which the store begins. Default: `"KV"` on a server, elsewhere none. */
  readonly namespace?: string | undefined;

  /** The longest that a call may take; each backend documents the details. Default: 5 s. */
  readonly timeout?: Duration | undefined;

  /**
   * The time between two removals of expired entries in the background. A server does this by itself and ignores the option. Default:
   * every minute in memory, never in files.
   */
  readonly sweepEvery?: Duration | undefined;

  /**
   * The factories to choose from, like `{ redis: redisStore, memory: memoryStore }`: then only these are used,
   * and nothing is imported. For programs that are bundled, and to pass options that a URL cannot express. Default: the
   * backend's package is imported when a URL names it.
   */
  readonly backends?: Backends | undefined;
}

/**
 * Opens the store that a URL names, for example one from a configuration: `memory:`, `file:./data`, `redis://localhost:6379`,
 * `valkey://localhost:6379`, and `rediss:` and `valkeys:` over TLS. The caller closes it. It neither connects nor touches
 * the disk before its first call.
 *
 * @throws TypeError or RangeError for a URL that names no store, and for options that its backend refuses; no error shows
 * a password
 * @throws StoreError `KV_FAILED` where the backend's package is not installed or cannot be loaded
 *
 * @example
 * ```ts
 * import { StoreRegistry } from "@kv/core";
 * import { storeFromUrl } from "@kv/from-url";
 *
 * const root = await storeFromUrl(process.env.KV_URL ?? "file:./data/kv", { namespace: "shop" });
 * const stores = new StoreRegistry({ root });
 * await stores.get("sessions").set("ada", "logged in", { expiresIn: "15m" });
 * ```
 */
export async function storeFromUrl(url: string | URL, options: StoreFromUrlOptions = {}): Promise<FullStore> {
  checkOptions(options, known);
  const { namespace, timeout, sweepEvery, backends } = options;
  if (namespace !== undefined) checkName(namespace);
  if (sweepEvery !== undefined) durationMs(sweepEvery, "sweepEvery"); // checked here, as servers never get it
  if (backends !== undefined) checkOptions(backends, backendNames);
  const text = textOf(url);
  return openOn(backendOf(text), text, { namespace, timeout, sweepEvery }, backends);
}

const known: readonly string[] = ["namespace", "timeout", "sweepEvery", "backends"];
const backendNames = Object.keys(backendTable) as readonly BackendName[];
const byScheme: ReadonlyMap<string, BackendName> = new Map(
  backendNames.flatMap((name) => backendTable[name].schemes.map((scheme) => [scheme, name] as const)),
);

function textOf(url: string | URL): string {
  if (typeof url === "string") return url;
  if (url instanceof URL) return url.href;
  throw new TypeError(
    `The URL of a store must be a string or a URL, not ${url === null ? "null" : typeof url}.`,
  );
}

function backendOf(url: string): BackendName {
  const scheme = /^[a-z][a-z\d+.-]*:/i.exec(url)?.[0].toLowerCase() ?? "";
  const name = byScheme.get(scheme);
  if (name !== undefined) return name;
  const meant = nearest(scheme === "" ? url : scheme, byScheme.keys());
  const schemes = [...byScheme.keys()].join(", ");
  throw new TypeError(
    [
      mayContainSecret(url) || scheme === ""
        ? "This is not the URL of a store."
        : `There is no backend for "${scheme}".`,
      ...(meant === undefined ? [] : [`Did you mean "${meant}"?`]),
      `A store's URL begins with one of ${schemes}, like "redis://localhost:6379".`,
    ].join(" "),
  );
}

/** Tells whether what looks like a scheme may be a user name or password: `ada:secret@host` is not a URL. */
function mayContainSecret(url: string): boolean {
  return url.includes("@") && !url.includes("://");
}

async function openOn(
  name: BackendName,
  url: string,
  settings: CommonSettings,
  backends: Backends | undefined,
): Promise<FullStore> {
  const backend = backendTable[name] as Backend<never>; // a row is only used with the factory of the same name
  const factory = backends === undefined ? await loadFactory(backend) : backends[name];
  if (typeof factory === "function") return backend.open(factory as StoreFactory<never>, url, settings);
  throw new TypeError(
    `The URL needs the backend ${name}, which is missing from the option backends: pass { ${name}: ${backend.factory} } of ${backend.package}.`,
  );
}
