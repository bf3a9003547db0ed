import { isStoreError, StoreError, type StoreErrorCode } from "@kv/core";
import type { Explanation } from "@kv/core/driver";

// Classifies the errors of servers and clients, and turns them into those of a store. Servers differ in their texts, and from
// version to version: only the code that a reply begins with counts.

/** Tells whether an error is a server's reply: the server refused the command, so nothing was changed. */
export function isRefusal(error: unknown): boolean {
  return refusalCode(error) !== undefined;
}

/** Tells whether an error is a `NotSentError`, perhaps of another copy of this package. */
export function isNotSent(error: unknown): error is Error {
  return error instanceof Error && error.name === "NotSentError";
}

/** Tells whether the server does not have the script: it was restarted, or its scripts were flushed. */
export function isUnknownScript(error: unknown): boolean {
  return refusalCode(error) === "NOSCRIPT";
}

/** Tells whether the server is a replica by now, since another one was promoted. */
export function isDemotion(error: unknown): boolean {
  const code = refusalCode(isStoreError(error) ? error.cause : error);
  return code === "READONLY" || code === "MASTERDOWN";
}

/** Tells whether permission was denied; some of the operations of a batch may still be allowed. */
export function isDenied(error: unknown): boolean {
  const code = refusalCode(error);
  return code !== undefined && refusals[code]?.code === "KV_DENIED";
}

/** The redirection by a node of a cluster; without an address where the command has to be tried again later. */
export interface Redirection {
  readonly code: "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN";
  readonly slot: number;
  readonly address: string | undefined;
}

/** Reads the redirection from a refusal; `undefined` for any other error. */
export function redirectionOf(error: unknown): Redirection | undefined {
  const code = refusalCode(error);
  if (code === "TRYAGAIN" || code === "CLUSTERDOWN") return { code, slot: -1, address: undefined };
  if (code !== "MOVED" && code !== "ASK") return undefined;
  const [, slot = "", address] = /^-?[A-Z]+ (\d{1,5}) (\S*:\d+)/.exec((error as Error).message) ?? [];
  if (address === undefined || Number(slot) >= 16_384) return undefined;
  return { code, slot: Number(slot), address: address.startsWith("?:") ? undefined : address }; // a host name that is not known yet
}

/** Makes the error of a call that a server refused. Nothing was changed. */
export function refused(error: unknown): StoreError {
  const { code, message } = explainRefusal(error);
  return new StoreError(code, message, { cause: withoutArguments(error) });
}

/** Makes the error of a call over a client that knows only one node of a cluster. */
export function needsWholeCluster(cause?: unknown): StoreError {
  return new StoreError("KV_FAILED", `${needsCluster}. Nothing was changed.`, {
    cause: withoutArguments(cause),
  });
}

/** Makes the error of a key within a script, from its text. */
export function refusedInScript(text: string): StoreError {
  return refused(Object.assign(new Error(text), { name: "ReplyError" }));
}

/** Makes the error of a call to which no reply was received. */
export function unanswered(writes: boolean, cause: unknown): StoreError {
  return writes
    ? new StoreError(
        "KV_OUTCOME_UNKNOWN",
        "no reply was received after the write was sent, so it may or may not have been done. It was not sent again.",
        { cause: withoutArguments(cause) },
      )
    : new StoreError("KV_UNAVAILABLE", "the server did not answer. Nothing was changed.", {
        cause: withoutArguments(cause),
      });
}

/** Makes the error of a call that was never sent. A failure to make a client may be a `StoreError` already. */
export function notSent(cause: unknown): StoreError {
  if (isStoreError(cause)) return cause;
  if (isRefusal(cause)) return refused(cause);
  if (isNotSent(cause)) {
    return new StoreError("KV_UNAVAILABLE", `nothing was sent: ${cause.message}`, { cause });
  }
  return new StoreError(
    "KV_UNAVAILABLE",
    "there is no connection to the server, and nothing was sent. Check that it runs, its address and its certificate.",
    { cause: withoutArguments(cause) },
  );
}

/** Makes the error of a call that was not sent in time, though there is a connection. */
export function notReached(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "it waited behind earlier calls until its timeout, and was not sent. Make fewer calls concurrently, or set a longer timeout.",
  );
}

/** Explains an error that none of the above has explained: a fault of the client. */
export function explain(error: unknown): Explanation {
  return {
    code: "KV_FAILED",
    message: "the client failed in an unexpected way; see the cause.",
    cause: withoutArguments(error),
  };
}

/**
 * Removes from an error the arguments of the command that clients attach to it: they hold keys, values and the
 * password of AUTH (E2).
 */
function withoutArguments(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return error;
  const { command, previousErrors } = error as Attached;
  if (command !== undefined) Reflect.set(error, "command", { name: command.name });
  if (Array.isArray(previousErrors)) for (const previous of previousErrors) withoutArguments(previous);
  return error;
}

interface Attached {
  readonly command?: { readonly name?: unknown };
  readonly previousErrors?: unknown;
}

const unavailable = { code: "KV_UNAVAILABLE", message: "the server cannot serve this now" } as const;
const denied = { code: "KV_DENIED", message: "permission denied" } as const;

const needsCluster =
  "this server is one node of a cluster, and the client knows no other node: make the store over a client of the whole cluster (new Cluster)";
const refusals: Readonly<Record<string, { readonly code: StoreErrorCode; readonly message: string }>> = {
  LOADING: { ...unavailable, message: "the server is still loading its data" },
  BUSY: { ...unavailable, message: "the server is busy running a script" },
  MAXCLIENTS: { ...unavailable, message: "the server has reached its limit of clients (maxclients)" },
  MASTERDOWN: { ...unavailable, message: "this replica has lost its master" },
  CLUSTERDOWN: { ...unavailable, message: "the cluster does not serve this slot now" },
  TRYAGAIN: { ...unavailable, message: "the cluster is moving this slot" },
  MOVED: { ...unavailable, message: "the cluster keeps moving this slot" },
  ASK: { ...unavailable, message: "the cluster is moving this slot" },
  CROSSSLOT: { code: "KV_FAILED", message: needsCluster },
  NOCLUSTER: {
    code: "KV_FAILED",
    message:
      "this server is not a node of a cluster: make the store over its URL, or over a plain client (new Redis)",
  },
  NOAUTH: { ...denied, message: "the server requires a password, and none was given" },
  WRONGPASS: { ...denied, message: "the server rejected the user name or password" },
  NOPERM: {
    ...denied,
    message: "permission denied; see the README for the permissions that this user needs",
  },
  DENIED: denied,
  OOM: { code: "KV_FULL", message: "the server's memory (maxmemory) is full" },
  READONLY: { code: "KV_READ_ONLY", message: "this server is a read-only replica" },
  MISCONF: { code: "KV_READ_ONLY", message: "the server accepts no writes while it cannot save to its disk" },
  NOREPLICAS: { code: "KV_READ_ONLY", message: "the server accepts no writes while it has too few replicas" },
  WRONGTYPE: {
    code: "KV_FAILED",
    message:
      "the key holds a non-string type, which another program wrote; set replaces it, delete removes it",
  },
};

function explainRefusal(error: unknown): { code: StoreErrorCode; message: string } {
  const code = refusalCode(error);
  const known = code === undefined ? undefined : refusals[code];
  return known === undefined
    ? { code: "KV_FAILED", message: "the server refused this; see the cause." }
    : { code: known.code, message: `${known.message}. Nothing was changed.` };
}

/** Before Redis 7 the text of a script's error precedes the code within; a client's ready check adds a text, too. */
const inner = /(?::\s-?|ACL failure in script: |^Ready check failed: )([A-Z]{3,})\s/;

function refusalCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = error.message;
  if (error.name !== "ReplyError" && !text.startsWith("Ready check failed: ")) return undefined;
  const code = /^-?([A-Z]+)(?=\s|$)/.exec(text)?.[1];
  if (code !== undefined && code !== "ERR") return code;
  const within = inner.exec(text)?.[1];
  if (within !== undefined) return within;
  if (/max number of clients/i.test(text)) return "MAXCLIENTS";
  if (/cluster support disabled/i.test(text)) return "NOCLUSTER";
  if (/invalid password|without any password|permission|can't run this command|ACL/i.test(text))
    return "NOPERM";
  return code ?? "ERR";
}
