import type { SessionData } from "express-session";
import type { ListedSession, SessionStore } from "../src/index.ts";

declare module "express-session" {
  interface SessionData {
    n?: number;
  }
}

/** A store with promises in place of callbacks. */
export interface PromisedStore {
  readonly store: SessionStore;
  get(id: string): Promise<SessionData | undefined>;
  set(id: string, value: SessionData): Promise<void>;
  touch(id: string, value: SessionData): Promise<void>;
  destroy(id: string): Promise<void>;
  destroyStored(id: string): Promise<void>;
  clear(): Promise<void>;
  length(): Promise<number>;
  ids(): Promise<string[]>;
  all(): Promise<ListedSession[]>;
}

export function promised(store: SessionStore): PromisedStore {
  return {
    store,
    get: (id: string) =>
      done<SessionData | null | undefined>((callback) => store.get(id, callback)).then(
        (found) => found ?? undefined,
      ),
    set: (id: string, value: SessionData) => done<void>((callback) => store.set(id, value, callback)),
    touch: (id: string, value: SessionData) => done<void>((callback) => store.touch(id, value, callback)),
    destroy: (id: string) => done<void>((callback) => store.destroy(id, callback)),
    destroyStored: (id: string) => done<void>((callback) => store.destroyStored(id, callback)),
    clear: () => done<void>((callback) => store.clear(callback)),
    length: () => done<number>((callback) => store.length(callback)),
    ids: () => done<string[]>((callback) => store.ids(callback)),
    all: () => done<ListedSession[]>((callback) => store.all(callback)),
  };
}

/** What the callback of a call is given. */
export function done<T>(call: (callback: (error: unknown, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null) resolve(result as T);
      else reject(error);
    });
  });
}
