import { type About, commonNotes, installed, nothing, type Place } from "./about.ts";

const version = installed("cache-manager");
const readme = `https://www.npmjs.com/package/cache-manager/v/${version}`;

export function aboutCacheManager(place: Place): About {
  return {
    name: "cache-manager",
    version,
    promises: { ...everywhere, ...(place === "memory" ? inMemory : onRedis) },
    notes: [
      "It has no namespaces: the rules that need them are not proven, and all else is tried at the root.",
      "`del` and `mdel` tell not whether something was there: `get` and `mget` are sent along with them. A renewal is a `get` and a `set`.",
      place === "memory"
        ? "The store is the one that `createCache()` makes, which does not serialize."
        : `The store is a Keyv ${installed("keyv")} over @keyv/redis ${installed("@keyv/redis")}, with \`throwOnErrors\` and \`noNamespaceAffectsAll\`; the client gives a command 2 s, and gives up after three tries to connect.`,
      ...commonNotes,
    ],
  };
}

const everywhere: About["promises"] = {
  T2: `${nothing} There is no call that writes and keeps a lifetime: it is asked for and set again, which undoes what comes between.`,
  S5: `${nothing} What is passed is not looked at.`,
  S6: `${nothing} Keyv's \`set\` serializes before it sends or stores, so that a later call can overtake it.`,
  T3: `${nothing} There is no renewal; a \`get\` and a \`set\` undo what comes between them.`,
  L1: `${nothing} After \`disconnect\` all goes on.`,
  L2: `${nothing} After \`disconnect\` all goes on; on Redis the next call connects again.`,
  R3: `${nothing} It follows from L2.`,
  E1: `${nothing} Errors have no codes.`,
  E2: `${nothing} Where an error is expected, there is none.`,
};

const inMemory: About["promises"] = {
  S3: `${nothing} Its memory keeps and gives the caller's own object, and its [README](${readme}) tells how.`,
  T7: `${nothing} Expiry is held against \`Date.now()\`.`,
};

const onRedis: About["promises"] = {
  S3: `${nothing} The Buffers that it gives are parts of a pool of Node's.`,
  S7: `Promised in part, [README](${readme}): of \`set\`, \`del\` and \`clear\` "an error will be throw on any failed". \`set\` and \`del\` reject; \`clear\` resolves though nothing was cleared, for @keyv/redis keeps that error to itself. Of \`get\` it says "Returns a null if not found or expired": without a server it gives a miss.`,
};
