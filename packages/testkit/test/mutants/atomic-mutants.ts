import { bytesOf, sameBytes, utf8 } from "@kv/core/driver";
import { brokenDriver, type Mutant, turn } from "./mutant.ts";

const none = Number.POSITIVE_INFINITY;
const decoder = new TextDecoder();

export const atomicMutants: readonly Mutant[] = [
  brokenDriver(
    "A1",
    "increment moves the end of the window",
    "expiresIn counts only when increment creates the entry",
    ({ namespace }) => ({
      async increment(key, by, expiresInMs) {
        const counted = await namespace.increment(key, by, expiresInMs);
        await namespace.touch(key, expiresInMs);
        return { value: counted.value, expiresInMs: (await namespace.expiresInMs(key)) ?? none };
      },
    }),
  ),
  brokenDriver(
    "A1",
    "increment forgets the window that it creates",
    "expiresIn counts only when increment creates the entry",
    ({ namespace }) => ({
      increment: (key, by) => namespace.increment(key, by, none),
    }),
  ),
  brokenDriver(
    "A1",
    "increment removes the expiry",
    "expiresIn counts only when increment creates the entry",
    ({ namespace }) => ({
      async increment(key, by, expiresInMs) {
        const there = await namespace.exists(key);
        const counted = await namespace.increment(key, by, expiresInMs);
        if (there) await namespace.set(key, String(counted.value), none);
        return counted;
      },
    }),
  ),
  brokenDriver(
    "A1",
    "increment reads, and writes later",
    "other text is refused and left as it is, with its expiry",
    ({ namespace }) => ({
      async increment(key, by, expiresInMs) {
        const found = await namespace.get(key);
        const value = Number(found === undefined ? "0" : decoder.decode(found)) + by;
        const left = (await namespace.expiresInMs(key)) ?? expiresInMs;
        await turn();
        await namespace.set(key, String(value), left);
        return { value, expiresInMs: left };
      },
    }),
  ),
  brokenDriver(
    "A1",
    "increment takes whatever parseInt takes",
    "other text is refused and left as it is, with its expiry",
    ({ namespace }) => ({
      async increment(key, by, expiresInMs) {
        const found = await namespace.get(key);
        const number = Number.parseInt(found === undefined ? "0" : decoder.decode(found), 10);
        if (Number.isSafeInteger(number) && found !== undefined)
          await namespace.set(key, String(number), "keep");
        return namespace.increment(key, by, expiresInMs);
      },
    }),
  ),
  brokenDriver(
    "A1",
    "increment begins anew where it finds no number",
    "other text is refused and left as it is, with its expiry",
    ({ namespace }) => ({
      async increment(key, by, expiresInMs) {
        const found = await namespace.get(key);
        if (found !== undefined && !/^(0|-?[1-9]\d*)$/.test(decoder.decode(found)))
          await namespace.set(key, "0", "keep");
        return namespace.increment(key, by, expiresInMs);
      },
    }),
  ),
  brokenDriver(
    "A1",
    "increment loses precision beyond the safe integers",
    "other text is refused and left as it is, with its expiry",
    ({ namespace }) => ({
      async increment(key, by, expiresInMs) {
        const found = await namespace.get(key);
        const value = Number(found === undefined ? "0" : decoder.decode(found)) + by;
        if (Number.isSafeInteger(value) || !Number.isFinite(value))
          return namespace.increment(key, by, expiresInMs);
        await namespace.set(key, String(value), "keep");
        return { value, expiresInMs: (await namespace.expiresInMs(key)) ?? none };
      },
    }),
  ),
  brokenDriver(
    "A2",
    "setIfAbsent looks, and writes later: a second one wins too",
    "of many setIfAbsent exactly one wins, and its value stays,",
    ({ namespace }) => ({
      async setIfAbsent(key, value, expiresInMs) {
        if (await namespace.exists(key)) return false;
        await turn();
        await namespace.set(key, value, expiresInMs);
        return true;
      },
    }),
  ),
  brokenDriver(
    "A2",
    "setIfAbsent takes an empty value for nothing",
    "setIfAbsent writes only where nothing is, an empty value being",
    ({ namespace }) => ({
      async setIfAbsent(key, value, expiresInMs) {
        const found = await namespace.get(key);
        if (found?.length === 0) await namespace.delete(key);
        return namespace.setIfAbsent(key, value, expiresInMs);
      },
    }),
  ),
  brokenDriver(
    "A2",
    "setIfAbsent says true and writes nothing where something is",
    "setIfAbsent writes only where nothing is, an empty value being",
    ({ namespace }) => ({
      setIfAbsent: async (key, value, expiresInMs) =>
        (await namespace.setIfAbsent(key, value, expiresInMs)) || true,
    }),
  ),
  brokenDriver(
    "A3",
    "compareAndSet compares as text",
    "counting by compareAndSet loses no step, among callers of one",
    ({ namespace }) => ({
      async compareAndSet(key, expected, value, expiry) {
        const found = await namespace.get(key);
        if (found === undefined || decoder.decode(found) !== decoder.decode(bytesOf(expected))) return false;
        await namespace.set(key, value, expiry);
        return true;
      },
    }),
  ),
  brokenDriver(
    "A3",
    "compareAndSet compares how the values begin",
    "compareAndSet and compareAndDelete act only on exactly the",
    ({ namespace }) => ({
      async compareAndSet(key, expected, value, expiry) {
        const wanted = bytesOf(expected);
        const found = await namespace.get(key);
        if (found === undefined || !sameBytes(found.subarray(0, wanted.length), wanted)) return false;
        await namespace.set(key, value, expiry);
        return true;
      },
    }),
  ),
  brokenDriver(
    "A3",
    "compareAndSet compares, and writes later",
    "counting by compareAndSet loses no step, among callers of one",
    ({ namespace }) => ({
      async compareAndSet(key, expected, value, expiry) {
        const found = await namespace.get(key);
        if (found === undefined || !sameBytes(found, bytesOf(expected))) return false;
        await turn();
        await namespace.set(key, value, expiry);
        return true;
      },
    }),
  ),
  brokenDriver(
    "A3",
    "compareAndSet takes a missing entry for an empty one",
    "of compareAndSet and compareAndDelete from one value exactly",
    ({ namespace }) => ({
      async compareAndSet(key, expected, value, expiry) {
        await namespace.setIfAbsent(key, utf8(""), none);
        return namespace.compareAndSet(key, expected, value, expiry);
      },
    }),
  ),
  brokenDriver(
    "A3",
    "compareAndDelete deletes whatever it finds",
    "compareAndSet and compareAndDelete act only on exactly the",
    ({ namespace }) => ({
      compareAndDelete: (key) => namespace.delete(key),
    }),
  ),
  brokenDriver(
    "A3",
    "compareAndSet keeps the expiry",
    "compareAndSet removes, sets and keeps expiries like set",
    ({ namespace }) => ({
      compareAndSet: (key, expected, value, expiry) =>
        namespace.compareAndSet(key, expected, value, expiry === none ? "keep" : expiry),
    }),
  ),
];
