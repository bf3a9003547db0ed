import { isStoreError, StoreError, type StoreErrorCode } from "@kv/core";
import type { Explanation } from "@kv/core/driver";

/**
 * What went wrong, by code, in one place. Servers differ in their texts, and from version to version: only the code
 * that a reply begins with is looked at.
 */

/** Whether an error is a server's reply: the server refused the command, so nothing was changed. */
export function isRefusal(error: unknown): boolean {
  return refusalCode(error) !== undefined;
}

/** Whether a transport says that a command was not sent. It may be of another copy of this package. */
export function isNotSent(error: unknown): error is Error {
  return error instanceof Error && error.name === "NotSentError";
}

/** Whether the server does not know the script: it was restarted, or told to forget. */
export function isUnknownScript(error: unknown): boolean {
  return refusalCode(error) === "NOSCRIPT";
}

/** Whether the server is a replica by now: its place was taken by another one. */
export function isDemotion(error: unknown): boolean {
  const code = refusalCode(isStoreError(error) ? error.cause : error);
  return code === "READONLY" || code === "MASTERDOWN";
}

/** Whether the user may not do this: some of what was gathered into one command may still be allowed. */
export function isDenied(error: unknown): boolean {
  const code = refusalCode(error);
  return code !== undefined && refusals[code]?.code === "KV_DENIED";
}

/** Where a node of a cluster refers to; a command that it cannot do just now is to be tried again, with no address. */
export interface Redirection {
  readonly code: "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN";
  readonly slot: number;
  readonly address: string | undefined;
}

/** Reads from a refusal where the command has to go; `undefined` where it is none of that kind. */
export function redirectionOf(error: unknown): Redirection | undefined {
  const code = refusalCode(error);
  if (code === "TRYAGAIN" || code === "CLUSTERDOWN") return { code, slot: -1, address: undefined };
  if (code !== "MOVED" && code !== "ASK") return undefined;
  const [, slot = "", address] = /^-?[A-Z]+ (\d{1,5}) (\S*:\d+)/.exec((error as Error).message) ?? [];
  if (address === undefined || Number(slot) >= 16_384) return undefined;
  return { code, slot: Number(slot), address: address.startsWith("?:") ? undefined : address }; // a name that is not known yet
}

/** The error of a call that a server refused, or that never got as far as a server. Nothing was changed. */
export function refused(error: unknown): StoreError {
  const { code, message } = explainRefusal(error);
  return new StoreError(code, message, { cause: withoutArguments(error) });
}

/** The error of a call to one node of a cluster, of which the client knows no other. */
export function needsWholeCluster(cause?: unknown): StoreError {
  return new StoreError("KV_FAILED", `${needsCluster}. Nothing was changed.`, {
    cause: withoutArguments(cause),
  });
}

/** The error of a key within a script, from its text. */
export function refusedInScript(text: string): StoreError {
  return refused(Object.assign(new Error(text), { name: "ReplyError" }));
}

/** The error of a call that was sent and not answered. */
export function unanswered(writes: boolean, cause: unknown): StoreError {
  return writes
    ? new StoreError(
        "KV_OUTCOME_UNKNOWN",
        "it was sent and not answered, so it may or may not have been done. It was not sent again.",
        { cause: withoutArguments(cause) },
      )
    : new StoreError("KV_UNAVAILABLE", "the server did not answer. Nothing was changed.", {
        cause: withoutArguments(cause),
      });
}

/** The error of a call that was never sent. What made no client may have said by itself why. */
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

/** The error of a call whose turn did not come in time, though there is a connection. */
export function notReached(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "the calls before it took all of its time, and it was not sent. Make fewer calls at once, or give them a longer timeout.",
  );
}

/** For what none of the above has explained: a fault of the client's. */
export function explain(error: unknown): Explanation {
  return {
    code: "KV_FAILED",
    message: "the client failed in an unexpected way; see the cause.",
    cause: withoutArguments(error),
  };
}

/**
 * The error itself, without the arguments of the command that clients attach to it: they hold keys, values and the
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
const denied = { code: "KV_DENIED", message: "the server did not let this user in, or do this" } as const;

const needsCluster =
  "this server is one node of a cluster, and the client knows of no other: make the store over a client of the whole cluster (new Cluster)";
const refusals: Readonly<Record<string, { readonly code: StoreErrorCode; readonly message: string }>> = {
  LOADING: { ...unavailable, message: "the server is still loading its data" },
  BUSY: { ...unavailable, message: "the server is busy running a script" },
  MAXCLIENTS: { ...unavailable, message: "the server has as many clients as it takes (maxclients)" },
  MASTERDOWN: { ...unavailable, message: "this replica has lost its master" },
  CLUSTERDOWN: { ...unavailable, message: "the cluster does not serve this part of its keys now" },
  TRYAGAIN: { ...unavailable, message: "the cluster is moving this part of its keys" },
  MOVED: { ...unavailable, message: "the cluster keeps moving this part of its keys" },
  ASK: { ...unavailable, message: "the cluster is moving this part of its keys" },
  CROSSSLOT: { code: "KV_FAILED", message: needsCluster },
  NOCLUSTER: {
    code: "KV_FAILED",
    message:
      "this server is no node of a cluster: make the store over its URL, or over a plain client (new Redis)",
  },
  NOAUTH: { ...denied, message: "the server asks for a password, and none was given" },
  WRONGPASS: { ...denied, message: "the server does not take this name and password" },
  NOPERM: {
    ...denied,
    message: "this user lacks the right to do it; see the README for the rights that are needed",
  },
  DENIED: denied,
  OOM: { code: "KV_FULL", message: "the server's memory (maxmemory) is full" },
  READONLY: { code: "KV_READ_ONLY", message: "this server is a read-only replica" },
  MISCONF: { code: "KV_READ_ONLY", message: "the server takes no writes while it cannot save to its disk" },
  NOREPLICAS: { code: "KV_READ_ONLY", message: "the server takes no writes while it has too few replicas" },
  WRONGTYPE: {
    code: "KV_FAILED",
    message:
      "another program keeps something else than a string under this key; set replaces it, delete removes it",
  },
};

function explainRefusal(error: unknown): { code: StoreErrorCode; message: string } {
  const code = refusalCode(error);
  const known = code === undefined ? undefined : refusals[code];
  return known === undefined
    ? { code: "KV_FAILED", message: "the server refused this; see the cause." }
    : { code: known.code, message: `${known.message}. Nothing was changed.` };
}

/** Before Redis 7 an error within a script stands behind the script's own; the ready check adds its own text. */
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
