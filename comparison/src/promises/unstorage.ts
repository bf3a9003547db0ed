import { type About, commonNotes, installed, nothing, type Place } from "./about.ts";

const version = installed("unstorage");
const guide = "https://unstorage.unjs.io/guide";
const redisPage = "https://unstorage.unjs.io/drivers/redis";

export function aboutUnstorage(place: Place): About {
  return {
    name: "unstorage",
    version,
    promises: { ...everywhere, ...(place === "memory" ? inMemory : onRedis) },
    notes: [
      "Values go by `setItemRaw` and `getItemRaw`, which its guide calls experimental: they alone take bytes.",
      "`removeItem` tells not whether something was there: `hasItem` is sent along with it. A renewal is a `getItemRaw` and a `setItemRaw`.",
      'Namespaces are those of `prefixStorage`. `clear` is for mounts, by its guide ("If a base is provided, only mounts matching base will be cleared"): a namespace is cleared by `getKeys` and `removeItem`.',
      "It lists keys, but no namespaces, so that `listing` is not declared, and it has no call that removes a batch, so that `batch` is not.",
      "No call tells what is left of a lifetime (T4). Many cases of T2, T3, T5, E1, N1 and S1 look at that to see whether they hold, and fail by it alone.",
      "Several cases of T2, T5 and N2 try the empty key too, which it refuses (S4), and fail by that alone.",
      place === "memory"
        ? "Its memory driver has no expiry at all."
        : "Lifetimes go to Redis in whole seconds, rounded up. The client tries once again and gives a command 2 s (`maxRetriesPerRequest`, `commandTimeout`).",
      ...commonNotes,
    ],
  };
}

const noTimeLeft = "no call tells what is left of a lifetime";

const everywhere: About["promises"] = {
  S1: `Kept by the cases of values. The random calls that fail meet T4, N1 and N3: ${noTimeLeft}.`,
  S4: `Says otherwise, [guide](${guide}): "\`users/1\`, \`/users/1\`, and \`users:1\` address the same key". The empty key and those with \`..\` are refused, what follows a \`?\` is cut off.`,
  S5: `${nothing} What is passed is not looked at; \`setItem\` of \`undefined\` removes.`,
  S6: `${nothing} Single calls keep their order here. What takes several steps, a renewal and the clearing of a namespace, does not.`,
  T2: `${nothing} There is no call to keep a lifetime, and ${noTimeLeft}.`,
  T3: `${nothing} There is no renewal; a read and a write undo what comes between them.`,
  T4: `${nothing} There is no call for it.`,
  N1: `Kept but for what T4 hides: ${noTimeLeft}.`,
  N2: `${nothing} Names with a \`?\` are refused, and so is the empty key, which the cases use.`,
  N3: `Says otherwise, [guide](${guide}/utils): "All operations are virtually prefixed", "Same as storage.setItem('assets:x', 'hello!')". So a key can be one of a namespace. Names with a \`?\` or \`..\` are refused.`,
  L1: `${nothing} A prefixed storage has no end of its own.`,
  L2: `${nothing} [Guide](${guide}): \`dispose\` is there "to ensure there are no open-handles left", to be called "before exiting process".`,
  R3: `${nothing} It follows from L2.`,
  E1: `${nothing} Errors have no codes.`,
  E2: `${nothing} Where an error is expected, there is none.`,
};

const inMemory: About["promises"] = {
  S3: `${nothing} Its memory keeps and gives the caller's own array.`,
  T1: `${nothing} \`ttl\` is an option of some drivers, and the memory driver is none of them.`,
  T5: `${nothing} The memory driver has no expiry.`,
  T7: `${nothing} The memory driver has no expiry.`,
};

const onRedis: About["promises"] = {
  S3: `${nothing} The Buffers that it gives are parts of a pool of Node's.`,
  S7: "Kept but for the form: every call rejects, in time, with an error of ioredis.",
  T1: `Says otherwise, [Redis](${redisPage}): \`ttl\` is a "number /* seconds */". Lifetimes below a second last a whole one.`,
  T5: `Says otherwise, [Redis](${redisPage}): \`ttl\` is in seconds, so that fractions of one are lost; and ${noTimeLeft}.`,
};
