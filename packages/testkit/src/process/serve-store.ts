import type { Bytes, FullStore, Store } from "@kv/core";
import { guarded, inBackground } from "@kv/core/driver";
import { collect, collectEntries } from "../support/collect.ts";
import type { CallMessage, ChildMessage, ParentMessage, SentError } from "./process-messages.ts";

/**
 * Serves a store to the process that forked this one, until that process closes it or ends. To be called by the
 * module that `openInProcess` starts.
 */
export function serveStore(store: Store): void {
  const handles = new Map<number, FullStore>([[0, store as FullStore]]);

  function handle(message: ParentMessage): void {
    if (message.kind === "leave") {
      process.removeListener("disconnect", endAtOnce);
      process.disconnect();
      return;
    }
    const at = handles.get(message.kind === "namespace" ? message.of : message.handle);
    if (at === undefined) throw new Error("The parent spoke of a store that it did not ask for.");
    if (message.kind === "namespace") handles.set(message.handle, at.withNamespace(message.name));
    // The call is made before the next message is looked at, so that calls keep their order (S6).
    else inBackground(() => answer(message.id, made(at, message)));
  }

  process.on("disconnect", endAtOnce);
  process.on(
    "message",
    guarded((message) => handle(message as ParentMessage)),
  );
  send({ kind: "ready", methods: methodsOf(store), namespace: (store as Partial<FullStore>).namespace });
}

/** The parent has closed the store, or has ended without. */
const endAtOnce = guarded(() => process.exit());

type Listed<T> = AsyncIterable<T>;

async function made(store: FullStore, { method, args }: CallMessage): Promise<unknown> {
  const call = Reflect.get(store, method) as (...args: readonly unknown[]) => unknown;
  const answered = call.apply(store, [...args]);
  // A listing is sent whole: what a test does between two of its items would come too late here anyway.
  if (method === "keys" || method === "namespaces") return await collect(answered as Listed<string>);
  if (method === "entries") return [...(await collectEntries(answered as Listed<[string, Bytes]>))];
  return await answered;
}

async function answer(id: number, call: Promise<unknown>): Promise<void> {
  try {
    send({ kind: "answer", id, answer: await call });
  } catch (error) {
    send({ kind: "answer", id, error: sentError(error) });
  }
}

function send(message: ChildMessage): void {
  if (process.send === undefined)
    throw new Error("serveStore is for a process that openInProcess has started.");
  if (process.connected) process.send(message);
}

function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), code: undefined };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { name: error.name, message: error.message, code };
}

/** The names of a store's methods, whether it is an object literal or of a class. */
function methodsOf(store: Store): string[] {
  const names = new Set<string>();
  for (let at: object = store; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names].filter(
    (name) => name !== "constructor" && typeof Reflect.get(store, name) === "function",
  );
}
