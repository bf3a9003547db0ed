import type { Duration, FullStore } from "@kv/core";
import { checkName, checkOptions, durationMs, nearest } from "@kv/core/driver";
import {
  type Backend,
  type BackendName,
  type Backends,
  backendTable,
  type CommonSettings,
  type StoreFactory,
} from "./backends.ts";
import { loadFactory } from "./load-factory.ts";

export interface StoreFromUrlOptions {
  /** The namespace at which the store begins. Unless told, on a server `"KV"`, elsewhere none. */
  readonly namespace?: string | undefined;

  /** The longest that a call may take, as each backend says in detail: `"5s"` unless told. */
  readonly timeout?: Duration | undefined;

  /**
   * How often what has expired is removed in the background: in memory every minute unless told, in files never. A
   * server does it by itself, whatever is said here.
   */
  readonly sweepEvery?: Duration | undefined;

  /**
   * The factories to choose from, like `{ redis: redisStore, memory: memoryStore }`: then no other backend is taken, and
   * nothing is imported. For programs that are bundled, and for options that are given here to none. Unless told, the
   * backend's package is imported when a URL names it.
   */
  readonly backends?: Backends | undefined;
}

/**
 * Opens the store that a URL names, like that of a setting: `memory:`, `file:./data`, `redis://localhost:6379`,
 * `valkey://localhost:6379`, and `rediss:` and `valkeys:` over TLS. It is the caller's to close. Nothing is connected or
 * touched before its first call.
 *
 * @throws TypeError or RangeError for a URL that names no store, and for what its backend refuses; no error shows a
 * password
 * @throws StoreError `KV_FAILED` where the backend's package is not installed, or cannot be loaded: that is no mistake
 * in the call
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
  if (sweepEvery !== undefined) durationMs(sweepEvery, "sweepEvery"); // a server is not asked for it
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
      showsSecret(url) || scheme === ""
        ? "This is no URL of a store."
        : `There is no backend for "${scheme}".`,
      ...(meant === undefined ? [] : [`Did you mean "${meant}"?`]),
      `A store's URL begins with one of ${schemes}, like "redis://localhost:6379".`,
    ].join(" "),
  );
}

/** Whether what looks like a scheme may be a name or a password: `ada:secret@host` is no URL. */
function showsSecret(url: string): boolean {
  return url.includes("@") && !url.includes("://");
}

async function openOn(
  name: BackendName,
  url: string,
  settings: CommonSettings,
  backends: Backends | undefined,
): Promise<FullStore> {
  const backend = backendTable[name] as Backend<never>; // a row goes with the factory of its own name
  const factory = backends === undefined ? await loadFactory(backend) : backends[name];
  if (typeof factory === "function") return backend.open(factory as StoreFactory<never>, url, settings);
  throw new TypeError(
    `The URL needs the backend ${name}, and backends has none: pass { ${name}: ${backend.factory} } of ${backend.package}.`,
  );
}
