import type { Buffer } from "node:buffer";
import { type DriverValue, type Expiry, type FullDriverNamespace } from "@kv/core/driver";
import { bytesOfReply, valueArgument } from "./arguments.ts";
import { Batch } from "./batch.ts";
import { empty } from "./emptying.ts";
import type { KeyLayout } from "./key-layout.ts";
import {
  compareAndDelete,
  compareAndSet,
  exists,
  increment,
  read,
  remove,
  removeCounted,
  renew,
  take,
  timeLeft,
  write,
  writeIfAbsent,
  writeWithExpiry,
} from "./kinds.ts";
import type { Order } from "./order.ts";
import { expiryArgument } from "./scripts.ts";
import type { Sender } from "./sender.ts";
import { type Kind, Step } from "./step.ts";
import type { Argument } from "./transport.ts";
import { walk } from "./walk.ts";

/** The operations on one namespace. */
export function respNamespace(sender: Sender, order: Order, layout: KeyLayout): FullDriverNamespace {
  function ask<T>(
    kind: Kind,
    key: string,
    values: readonly Argument[],
    meaning: (answer: unknown) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (answer: unknown): void => {
        try {
          resolve(meaning(answer));
        } catch (error) {
          reject(error);
        }
      };
      order.send(new Step(kind, layout.keyOf(key), values, done, reject));
    });
  }

  function writing(
    key: string,
    value: DriverValue,
    expiry: Expiry,
    done: () => void,
    failed: (error: unknown) => void,
  ): Step {
    const serverKey = layout.keyOf(key);
    const argument = valueArgument(value);
    return expiry === Number.POSITIVE_INFINITY
      ? new Step(write, serverKey, [argument], done, failed)
      : new Step(writeWithExpiry, serverKey, [argument, expiryArgument(expiry)], done, failed);
  }

  return {
    get: (key) => ask(read, key, [], bytesIfFound),

    getAndRenew: (key, renewForMs) => ask(renew, key, [expiryArgument(renewForMs), "1"], bytesIfFound),

    set: (key, value, expiry) =>
      new Promise((resolve, reject) => order.send(writing(key, value, expiry, resolve, reject))),

    touch: (key, renewForMs) => ask(renew, key, [expiryArgument(renewForMs), "0"], isOne),

    delete: (key) => ask(remove, key, [], isOne),

    exists: (key) => ask(exists, key, [], isOne),

    expiresInMs: (key) => ask(timeLeft, key, [], msLeft),

    deleteAll: () => empty(sender, order, layout),

    async getMany(keys) {
      const found: (Uint8Array | undefined)[] = Array.from({ length: keys.length });
      const batch = new Batch();
      for (const [at, key] of keys.entries()) {
        const done = (answer: unknown): void => {
          found[at] = bytesIfFound(answer);
          batch.done();
        };
        batch.add(new Step(read, layout.keyOf(key), [], done, batch.failed));
      }
      await batch.send(order);
      return found;
    },

    setMany(entries, expiry) {
      const batch = new Batch();
      for (const [key, value] of entries) batch.add(writing(key, value, expiry, batch.done, batch.failed));
      return batch.send(order);
    },

    async deleteMany(keys) {
      let deleted = 0;
      const batch = new Batch();
      const kind = removeCounted();
      const done = (answer: unknown): void => {
        deleted += Number(answer);
        batch.done();
      };
      for (const key of keys) batch.add(new Step(kind, layout.keyOf(key), [], done, batch.failed));
      await batch.send(order);
      return deleted;
    },

    increment: (key, by, expiresInMs) =>
      ask(increment, key, [String(by), expiryArgument(expiresInMs)], (answer) => {
        const [sum, rest] = answer as readonly [sum: unknown, rest: unknown];
        return { value: Number(sum), expiresInMs: msLeft(rest) ?? 0 };
      }),

    setIfAbsent(key, value, expiresInMs) {
      const expiry = expiresInMs === Number.POSITIVE_INFINITY ? [] : ["PX", String(expiresInMs)];
      return ask(writeIfAbsent, key, [valueArgument(value), ...expiry, "NX"], (answer) => answer !== null);
    },

    compareAndSet: (key, expected, value, expiry) =>
      ask(compareAndSet, key, [valueArgument(expected), valueArgument(value), expiryArgument(expiry)], isOne),

    compareAndDelete: (key, expected) => ask(compareAndDelete, key, [valueArgument(expected)], isOne),

    take: (key) => ask(take, key, [], bytesIfFound),

    async *keys(prefix) {
      for await (const keys of walk(sender, layout.ownFrom(prefix))) {
        yield keys.map((serverKey) => layout.nameOf(serverKey.toString()));
      }
    },

    async *namespaces() {
      const known = new Set<string>();
      for await (const keys of walk(sender, layout.below)) {
        const names = new Set(keys.map((serverKey) => layout.childOf(serverKey.toString())));
        const fresh = [...names].filter((name) => name !== undefined && !known.has(name)) as string[];
        for (const name of fresh) known.add(name);
        yield fresh;
      }
    },

    deleteExpired: () => 0, // the server does it
  };
}

function bytesIfFound(answer: unknown): Uint8Array | undefined {
  return answer === null ? undefined : bytesOfReply(answer as Buffer);
}

/** Numbers come as strings from a client that was told so. */
function isOne(answer: unknown): boolean {
  return Number(answer) === 1;
}

function msLeft(answer: unknown): number | undefined {
  const ms = Number(answer);
  if (ms === -2) return undefined;
  return ms === -1 ? Number.POSITIVE_INFINITY : ms;
}
