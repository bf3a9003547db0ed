import { createKeyv } from "@keyv/redis";
import { Keyv } from "keyv";
import type { Backend, Peer, PeerStore } from "../peer.ts";

export const keyv: Peer = {
  name: "Keyv",
  open(at) {
    const map = new Map<string, unknown>();
    return seen((namespace) => newKeyv(at, map, namespace));
  },
};

/** As its documentation sets it up, with a listener for the errors, which are events. */
export function newKeyv(at: Backend, map: Map<string, unknown>, namespace: string | undefined): Keyv {
  const named = namespace === undefined ? {} : { namespace };
  const made = at.kind === "memory" ? new Keyv({ store: map, ...named }) : createKeyv(at.url, named);
  made.on("error", () => {});
  return made;
}

function seen(make: (namespace?: string) => Keyv, path: readonly string[] = []): PeerStore {
  const own = path.length === 0 ? make() : make(path.join(":"));
  const children: PeerStore[] = [];
  return {
    own,
    set: (key, value, expiresInMs) => own.set(key, value, expiresInMs),
    get: (key) => own.get(key),
    delete: (key) => own.delete(key),
    clear: () => own.clear(),
    namespace(name) {
      const child = seen(make, [...path, name]);
      children.push(child);
      return child;
    },
    async close() {
      await Promise.all([own.disconnect(), ...children.map((child) => child.close())]);
    },
    async keys() {
      const keys: string[] = [];
      for await (const [key] of own.iterator?.(own.namespace) ?? []) keys.push(key);
      return keys;
    },
  };
}
