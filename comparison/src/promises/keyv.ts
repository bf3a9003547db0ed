import { type About, commonNotes, installed, nothing, type Place } from "./about.ts";

const version = installed("keyv");
const readme = `https://www.npmjs.com/package/keyv/v/${version}`;
const redisReadme = `https://www.npmjs.com/package/@keyv/redis/v/${installed("@keyv/redis")}`;

export function aboutKeyv(place: Place): About {
  return {
    name: "Keyv",
    version,
    promises: { ...everywhere, ...(place === "memory" ? inMemory : onRedis) },
    notes: [
      "Keyv 6.1.0 wants Node 22.19, and `@keyv/redis` wants Keyv 5: tested is the newest that runs on Node 20.",
      "`throwOnErrors` is on, and bytes are handed over as a Buffer, the kind of bytes that Keyv knows.",
      "Keyv has namespaces of one level. A nested one is tried under the names joined by the separator that Keyv itself puts before keys.",
      "`deleteMany` of Keyv tells no number: `hasMany` is asked before it. A renewal is a `get` and a `set`.",
      "Keyv lists keys and entries, but no namespaces, so that the capability `listing` is not declared.",
      ...(place === "memory"
        ? ["All namespaces share one Map, as `store`."]
        : [
            "`noNamespaceAffectsAll` is on, for the database is Keyv's alone. The client gives a command 2 s, and gives up after three tries to connect: without that, which is no default, batches wait for a server without end.",
            "All namespaces share one client.",
          ]),
      ...commonNotes,
    ],
  };
}

const everywhere: About["promises"] = {
  T2: `${nothing} There is no call that writes and keeps a lifetime: it is asked for and set again, which undoes what comes between.`,
  S3: `${nothing} The Buffers that it gives are parts of a pool of Node's.`,
  S5: `${nothing} [README](${readme}): "Keys must always be strings. Values can be of any type." What is passed is not looked at.`,
  S6: `${nothing} \`set\` serializes before it sends or stores, so that a later call can overtake it.`,
  N3: `Promised in part, [README](${readme}): "You can namespace your Keyv instance to avoid key collisions". Name and key are joined by a separator that both may hold. Of the length and form of a name nothing is said.`,
  L1: `${nothing} After \`disconnect\` all goes on.`,
  L2: `${nothing} After \`disconnect\` all goes on; on Redis the next call connects again.`,
  R3: `${nothing} It follows from L2.`,
  E1: `${nothing} Errors have no codes.`,
  E2: `${nothing} Where an error is expected, there is none.`,
};

const inMemory: About["promises"] = {
  S1: `Kept where all random calls stay in one namespace: "Handles all JSON types plus \`Buffer\`" ([README](${readme})). The random calls that fail meet N2 and N3.`,
  S4: `${nothing} In a namespace \`a\`, the keys \`b\` and \`a:b\` are one entry: a key that begins with the name is taken for one that has it already.`,
  T1: `Promised, [README](${readme}): \`delete\` "resolves to \`true\` if the key existed, \`false\` if not". Of an expired entry that nobody has read since, it resolves to \`true\`; all other calls take it for gone.`,
  T3: `${nothing} There is no renewal; a \`get\` and a \`set\` undo what comes between them.`,
  T7: `${nothing} Expiry is held against \`Date.now()\`.`,
  N2: `Promised, [README](${readme}): namespaces "allow you to clear only a certain namespace while using the same database". Over a shared Map, \`clear\` empties the Map.`,
};

const onRedis: About["promises"] = {
  S7: `Promised, [README](${readme}): with \`throwOnErrors\` "Keyv will throw an error if any operation fails". \`clear\` resolves though nothing was cleared, for @keyv/redis keeps that error to itself. All other calls reject, in time.`,
  T3: `${nothing} There is no renewal; a \`get\` and a \`set\` undo what comes between them.`,
  N2: `Promised, [README](${redisReadme}): "If a namespace is set it will clear all keys with that namespace." It clears by a pattern of the name as it stands: \`clear\` of \`a*\` clears \`ab\` too, that of \`[a]\` clears \`a\` and misses its own.`,
};
