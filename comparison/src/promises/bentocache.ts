import { type About, commonNotes, installed, nothing, type Place } from "./about.ts";

const docs = "https://bentocache.dev/docs";

export function aboutBentocache(place: Place): About {
  return {
    name: "bentocache",
    version: installed("bentocache"),
    promises: { ...everywhere, ...(place === "memory" ? inMemory : onRedis) },
    notes: [
      "It serializes by JSON, which has no bytes: they go in as a Buffer, come back in JSON's form of one, and the adapter makes them bytes again. So that bytes come back whole is not bentocache's merit.",
      "An entry without expiry is set with `ttl: null`, for the default is 30 minutes. Grace periods are off, as they are by default.",
      "`delete` tells not whether something was there: `has` is asked before it. A renewal is a `get` and a `set`.",
      "It lists nothing, and gets and sets no batches: `listing` and `batch` are not declared.",
      "No call tells what is left of a lifetime (T4). Many cases of T1, T2, T3, T5, N1, S1 and S4 look at that to see whether they hold, and fail by it alone: with the time left told from outside, T1, T5, N1 and S4 hold.",
      place === "memory"
        ? "`maxItems` is 20,000: what is more than that is evicted, and no case makes as many."
        : "A layer of Redis alone. The client tries once again and gives a command 2 s (`maxRetriesPerRequest`, `commandTimeout`).",
      ...commonNotes,
    ],
  };
}

const noTimeLeft = "no call tells what is left of a lifetime";

const everywhere: About["promises"] = {
  S1: `Kept by the cases of values. The random calls that fail meet T3, T4 and N3: ${noTimeLeft}.`,
  S4: `Kept but for what T4 hides: ${noTimeLeft}.`,
  S5: `${nothing} It refuses \`undefined\` as a value, and looks at nothing else.`,
  S6: `${nothing} A read of Redis is sent a step after it is called, so that a later write overtakes it; nor does what takes several steps keep its place, a renewal and a \`delete\` that tells whether something was there.`,
  T1: `Kept but for what T4 hides: ${noTimeLeft}.`,
  T2: `${nothing} There is no call to keep a lifetime, and ${noTimeLeft}.`,
  T3: `${nothing} There is no renewal; a \`get\` and a \`set\` undo what comes between them, and give an expiry to what had none.`,
  T4: `${nothing} There is no call for it.`,
  T5: `Kept but for what T4 hides: ${noTimeLeft}.`,
  N1: `Kept but for what T4 hides: ${noTimeLeft}.`,
  N2: `Says otherwise, [namespaces](${docs}/namespaces): clearing clears "only the keys that start with \`users:\`". So keys of the parent and namespaces that begin so are cleared with it.`,
  N3: `Says otherwise, [namespaces](${docs}/namespaces): "you can still access the \`users:1\` key via \`bento.get({ key: 'users:1' })\`". Of the length and form of a name nothing is said.`,
  L1: `${nothing} A namespace has no end of its own.`,
  L2: `${nothing} [Methods](${docs}/methods): \`disconnect\` "will close the connection to the cache server, if applicable".`,
  R3: `${nothing} It follows from L2.`,
  E1: `${nothing} Its errors have codes of their own.`,
  E2: `${nothing} Where an error is expected, there is none, or one of its own.`,
};

const inMemory: About["promises"] = {
  T7: `${nothing} Expiry is held against \`Date.now()\`.`,
};

const onRedis: About["promises"] = {
  S7: `Kept but for the form, as promised, [options](${docs}/options): without \`suppressL2Errors\`, "errors thrown by your L2 cache will be rethrown". Every call rejects, in time, with \`E_L2_CACHE_ERROR\`.`,
};
