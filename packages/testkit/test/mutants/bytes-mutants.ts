import type { Bytes, Value } from "@kv/core";
import { bytesOf, createStore, type DriverValue, sameBytes, utf8 } from "@kv/core/driver";
import {
  copyingOut,
  driverMutant,
  handoverMutant,
  type Mutant,
  openedMutant,
  storeMutant,
  sync,
  textOf,
} from "./mutant.ts";
import { slowDriver } from "./slow-driver.ts";

const mebibyte = 1 << 20;

/** The whole buffer below a view, as who passes on `value.buffer` stores it. */
function wholeBuffer(value: Value): Value {
  return typeof value === "string" ? value : new Uint8Array(value.buffer);
}

function latin1(value: DriverValue): DriverValue {
  return typeof value === "string" && /^[\0-\xff]*$/.test(value)
    ? Uint8Array.from(value, (character) => character.charCodeAt(0))
    : value;
}

function number(value: DriverValue): DriverValue {
  const text = textOf(value);
  return text.trim() !== "" && /^[\d.e+-]+$/i.test(text) && Number.isFinite(Number(text))
    ? String(Number(text))
    : value;
}

function json(value: DriverValue): DriverValue {
  const text = textOf(value);
  if (!/^\s*[[{]/.test(text)) return value;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return value;
  }
}

/** Bytes after a detour over text, which replaces what is no UTF-8. */
function asText(found: Uint8Array | undefined): Uint8Array | undefined {
  return found && utf8(textOf(found));
}

function mapped(
  entries: ReadonlyMap<string, DriverValue>,
  change: (value: DriverValue) => DriverValue,
): ReadonlyMap<string, DriverValue> {
  return new Map([...entries].map(([key, value]) => [key, change(value)]));
}

export const bytesMutants: readonly Mutant[] = [
  storeMutant("S1", "setMany stores the whole buffer below a view", (store) => ({
    setMany: async (entries, options) => {
      const all = [...entries];
      const isRight = all.every((entry) => entry.length === 2 && entry[1] instanceof Uint8Array);
      return store.setMany(isRight ? all.map(([key, value]) => [key, wholeBuffer(value)]) : all, options);
    },
  })),
  storeMutant("S1", "setIfAbsent stores the whole buffer below a view", (store) => ({
    setIfAbsent: (key, value, options) =>
      store.setIfAbsent(key, value instanceof Uint8Array ? wholeBuffer(value) : value, options),
  })),
  storeMutant("S1", "compareAndSet stores the whole buffer below a view", (store) => ({
    compareAndSet: (key, expected, value, options) =>
      store.compareAndSet(key, expected, value instanceof Uint8Array ? wholeBuffer(value) : value, options),
  })),
  storeMutant("A3", "compareAndSet compares with the whole buffer below a view", (store) => ({
    compareAndSet: (key, expected, value, options) =>
      store.compareAndSet(
        key,
        expected instanceof Uint8Array ? wholeBuffer(expected) : expected,
        value,
        options,
      ),
  })),
  storeMutant("A3", "compareAndDelete compares with the whole buffer below a view", (store) => ({
    compareAndDelete: (key, expected) =>
      store.compareAndDelete(key, expected instanceof Uint8Array ? wholeBuffer(expected) : expected),
  })),

  driverMutant("S1", "set cuts what is longer than 1 MiB", ({ namespace }) => ({
    set: (key, value, expiry) => namespace.set(key, bytesOf(value).slice(0, mebibyte), expiry),
  })),
  driverMutant("S1", "setMany cuts what is longer than 1 MiB", ({ namespace }) => ({
    setMany: (entries, expiry) =>
      namespace.setMany(
        mapped(entries, (value) => bytesOf(value).slice(0, mebibyte)),
        expiry,
      ),
  })),
  driverMutant("S1", "setIfAbsent refuses what is longer than 1 MiB", ({ namespace }) => ({
    setIfAbsent(key, value, ms) {
      if (bytesOf(value).length > mebibyte) throw new Error("object too large for cache");
      return namespace.setIfAbsent(key, value, ms);
    },
  })),
  driverMutant("A3", "compareAndSet compares the lengths and the first 64 KiB", ({ namespace }) => ({
    compareAndSet(key, expected, value, expiry) {
      const found = sync(namespace.get(key));
      return namespace.compareAndSet(
        key,
        isNearly(found, expected, 65_536) ? found : expected,
        value,
        expiry,
      );
    },
  })),
  driverMutant("A3", "compareAndDelete compares the lengths and the first 1,024 bytes", ({ namespace }) => ({
    compareAndDelete(key, expected) {
      const found = sync(namespace.get(key));
      return namespace.compareAndDelete(key, isNearly(found, expected, 1_024) ? found : expected);
    },
  })),
  driverMutant("A3", "compareAndDelete takes an empty expected value for no condition", ({ namespace }) => ({
    compareAndDelete: (key, expected) =>
      expected.length === 0 ? namespace.delete(key) : namespace.compareAndDelete(key, expected),
  })),
  driverMutant("A3", "compareAndSet takes an empty expected value for no condition", ({ namespace }) => ({
    compareAndSet(key, expected, value, expiry) {
      const found = sync(namespace.get(key));
      return namespace.compareAndSet(
        key,
        expected.length === 0 ? (found ?? expected) : expected,
        value,
        expiry,
      );
    },
  })),
  driverMutant(
    "A3",
    "compareAndDelete compares texts without regard to a last line break",
    ({ namespace }) => ({
      compareAndDelete(key, expected) {
        const found = sync(namespace.get(key));
        const isSame = found !== undefined && trimmed(found) === trimmed(expected);
        return namespace.compareAndDelete(key, isSame ? found : expected);
      },
    }),
  ),

  driverMutant("S1", "setMany stores what looks like a number as that number", ({ namespace }) => ({
    setMany: (entries, expiry) => namespace.setMany(mapped(entries, number), expiry),
  })),
  driverMutant("S1", "setIfAbsent stores what looks like JSON without its blanks", ({ namespace }) => ({
    setIfAbsent: (key, value, ms) => namespace.setIfAbsent(key, json(value), ms),
  })),
  driverMutant("S1", "compareAndSet stores what looks like a number as that number", ({ namespace }) => ({
    compareAndSet: (key, expected, value, expiry) =>
      namespace.compareAndSet(key, expected, number(value), expiry),
  })),
  driverMutant("S1", "text that begins with :base64: is decoded", ({ namespace }) => ({
    get(key) {
      const found = sync(namespace.get(key));
      const [, encoded] = /^:base64:(.*)$/s.exec(found === undefined ? "" : textOf(found)) ?? [];
      return encoded === undefined ? found : Uint8Array.from(Buffer.from(encoded, "base64"));
    },
  })),
  driverMutant("S1", "set turns CR LF into LF", ({ namespace }) => ({
    set: (key, value, expiry) =>
      namespace.set(key, typeof value === "string" ? value.replaceAll("\r\n", "\n") : value, expiry),
  })),
  driverMutant("S1", "setMany drops blanks at the end of a text", ({ namespace }) => ({
    setMany: (entries, expiry) =>
      namespace.setMany(
        mapped(entries, (value) => (typeof value === "string" ? value.trimEnd() : value)),
        expiry,
      ),
  })),
  driverMutant("S1", "setIfAbsent stores text as Latin-1 where that can be", ({ namespace }) => ({
    setIfAbsent: (key, value, ms) => namespace.setIfAbsent(key, latin1(value), ms),
  })),
  driverMutant("S1", "setMany keeps values as text", ({ namespace }) => ({
    setMany: (entries, expiry) => namespace.setMany(mapped(entries, textOf), expiry),
  })),
  driverMutant("S1", "get with renewFor gives text", ({ namespace }) => ({
    getAndRenew: (key, ms) => asText(sync(namespace.getAndRenew(key, ms))),
  })),
  driverMutant("S1", "getMany gives text", ({ namespace }) => ({
    getMany: (keys) => sync(namespace.getMany(keys)).map(asText),
  })),
  driverMutant("S1", "getMany takes an empty value for a miss", ({ namespace }) => ({
    getMany: (keys) =>
      sync(namespace.getMany(keys)).map((found) => (found?.length === 0 ? undefined : found)),
  })),
  driverMutant("S1", "get with renewFor takes an empty value for a miss", ({ namespace }) => ({
    getAndRenew(key, ms) {
      const found = sync(namespace.getAndRenew(key, ms));
      return found?.length === 0 ? undefined : found;
    },
  })),
  driverMutant("S1", "setMany deletes where the value is empty", ({ namespace }) => ({
    setMany(entries, expiry) {
      sync(namespace.setMany(entries, expiry));
      for (const [key, value] of entries) if (value.length === 0) sync(namespace.delete(key));
    },
  })),
  driverMutant("S1", "a shorter value in setMany leaves the end of a longer one", ({ namespace }) => ({
    setMany(entries, expiry) {
      const patched = new Map<string, DriverValue>();
      for (const [key, value] of entries) {
        const bytes = bytesOf(value).slice();
        const old = readable(() => sync(namespace.get(key)));
        const mixed = old !== undefined && old.length > bytes.length ? old.slice() : bytes;
        mixed.set(bytes);
        patched.set(key, mixed);
      }
      return namespace.setMany(patched, expiry);
    },
  })),
  driverMutant("A2", "setIfAbsent of an empty value says true and writes nothing", ({ namespace }) => ({
    setIfAbsent: (key, value, ms) =>
      value.length === 0 ? !sync(namespace.exists(key)) : namespace.setIfAbsent(key, value, ms),
  })),
  driverMutant("A3", "compareAndSet to an empty value deletes", ({ namespace }) => ({
    compareAndSet: (key, expected, value, expiry) =>
      value.length === 0
        ? namespace.compareAndDelete(key, expected)
        : namespace.compareAndSet(key, expected, value, expiry),
  })),
  driverMutant("S1", "of a key that is twice in getMany only the first is found", ({ namespace }) => ({
    getMany: (keys) =>
      sync(namespace.getMany(keys)).map((found, at) =>
        keys.indexOf(keys[at] ?? "") === at ? found : undefined,
      ),
  })),

  handoverMutant("S3", "setIfAbsent keeps the caller's array", ({ namespace, data, path }) => ({
    setIfAbsent(key, value, ms) {
      const wrote = sync(namespace.setIfAbsent(key, value, ms));
      const entry = data.find(path, key);
      if (wrote && entry !== undefined) entry.bytes = bytesOf(value);
      return wrote;
    },
  })),
  handoverMutant("S3", "compareAndSet keeps the caller's array", ({ namespace, data, path }) => ({
    compareAndSet(key, expected, value, expiry) {
      const wrote = sync(namespace.compareAndSet(key, expected, value, expiry));
      const entry = data.find(path, key);
      if (wrote && entry !== undefined) entry.bytes = bytesOf(value);
      return wrote;
    },
  })),
  handoverMutant("S3", "setMany keeps the caller's arrays", ({ namespace, data, path }) => ({
    setMany(entries, expiry) {
      sync(namespace.setMany(entries, expiry));
      for (const [key, value] of entries) {
        const entry = data.find(path, key);
        if (entry !== undefined) entry.bytes = bytesOf(value);
      }
    },
  })),
  handoverMutant("S3", "get with renewFor gives the array that the store holds", ({ namespace }) => ({
    getAndRenew: (key, ms) => namespace.getAndRenew(key, ms),
  })),
  handoverMutant("S3", "getMany gives the arrays that the store holds", ({ namespace }) => ({
    getMany: (keys) => namespace.getMany(keys),
  })),
  storeMutant("S3", "getMany gives views of one reply", (store) => ({
    getMany: async (keys) => {
      const found = await store.getMany(keys);
      const reply = new Uint8Array(found.reduce((sum, value) => sum + (value?.length ?? 0), 16));
      let at = 0;
      return found.map((value): Bytes | undefined => {
        if (value === undefined) return undefined;
        reply.set(value, at);
        at += value.length;
        return reply.subarray(at - value.length, at);
      });
    },
  })),
  storeMutant("S3", "of a key that is twice in getMany both get one array", (store) => ({
    getMany: async (keys) => {
      const all = [...keys];
      const found = await store.getMany(all);
      return all.map((key) => found[all.indexOf(key)]);
    },
  })),
  openedMutant("S3", "arrays are read a turn after the call has returned", (data, rootPath) =>
    createStore({ ...slowDriver(data, rootPath, copyingOut), copiesValues: true }),
  ),
];

function isNearly(found: Uint8Array | undefined, expected: DriverValue, length: number): found is Uint8Array {
  const bytes = bytesOf(expected);
  return (
    found !== undefined &&
    found.length === bytes.length &&
    sameBytes(found.subarray(0, length), bytes.subarray(0, length))
  );
}

function trimmed(value: DriverValue): string {
  return Buffer.from(bytesOf(value)).toString("latin1").replace(/\n$/, "");
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
