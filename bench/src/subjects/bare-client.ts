import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { Sample, Subject } from "../subject.ts";

const hourMs = 3_600_000;

const renewScript = scriptOf(`
local value = redis.call('GET', KEYS[1])
if value and redis.call('PTTL', KEYS[1]) >= 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return value`);

const touchScript = scriptOf(`
local left = redis.call('PTTL', KEYS[1])
if left >= 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return left ~= -2`);

const incrementScript = scriptOf(`
return { redis.call('INCRBY', KEYS[1], 1), redis.call('PTTL', KEYS[1]) }`);

const checkScript = scriptOf(`
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }`);

/** A client by itself, ioredis or iovalkey, which is the same to us: a command or a script for each call. */
export async function bareClient(client: Redis, prefix: string): Promise<Subject> {
  for (const { source } of [renewScript, touchScript, incrementScript, checkScript])
    await client.script("LOAD", source);
  return {
    get: (key) => client.getBuffer(prefix + key),
    set: (key, value) => client.set(prefix + key, quickest(value)),
    setWithTtl: (key, value) => client.set(prefix + key, quickest(value), "PX", hourMs),
    renew: (key) => evalshaBuffer(client, renewScript.sha1, 1, prefix + key, hourMs),
    touch: (key) => client.evalsha(touchScript.sha1, 1, prefix + key, hourMs),
    increment: (key) => client.evalsha(incrementScript.sha1, 1, prefix + key),
    check: (key) => client.evalsha(checkScript.sha1, 1, prefix + key, 60_000),
    getMany: (keys) => client.mgetBuffer(keys.map((key) => prefix + key)),
    setMany: (entries) => client.mset(entries.flatMap(([key, value]) => [prefix + key, quickest(value)])),
    async deleteAll() {
      let cursor = "0";
      do {
        const [next, keys] = await client.scanBuffer(cursor, "MATCH", `${prefix}*`, "COUNT", 1_000);
        if (keys.length > 0) await client.unlink(keys);
        cursor = next.toString();
      } while (cursor !== "0");
    },
    close: () => client.quit(),
  };
}

/** Short text is written faster as a string, long text as bytes. */
function quickest({ text, bytes }: Sample): string | Buffer {
  return bytes.length <= 2_048 ? text : bytes;
}

function scriptOf(source: string): { readonly source: string; readonly sha1: string } {
  return { source, sha1: createHash("sha1").update(source).digest("hex") };
}

/** It is missing in the client's types. */
function evalshaBuffer(client: Redis, ...args: readonly (string | number)[]): Promise<unknown> {
  return (client as unknown as { evalshaBuffer(...all: typeof args): Promise<unknown> }).evalshaBuffer(
    ...args,
  );
}
