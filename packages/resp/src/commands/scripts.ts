import { createHash } from "node:crypto";
import type { Expiry } from "@kv/core/driver";

/**
 * A Lua script, which the server runs atomically, for an operation that takes more than one command. A script takes any number
 * of keys, each with as many arguments as the others, handles them in order, and answers with one element for each, unless
 * documented otherwise; an element that is an array of one text is the error of that key, which stops no other.
 *
 * Scripts use only what all servers since Redis 6 know.
 */
export interface Script {
  readonly source: string;
  readonly sha1: string;
}

/** Encodes an expiry for the scripts: milliseconds from now, `0` for never, `k` to keep the one there is. */
export function expiryArgument(expiry: Expiry): string {
  if (expiry === "keep") return "k";
  return expiry === Number.POSITIVE_INFINITY ? "0" : String(expiry);
}

/** Arguments of a key: its value and the expiry. Answers 1. */
export const setScript: Script = script(`
local out = {}
for i, key in ipairs(KEYS) do
  local value, expiry = ARGV[2 * i - 1], ARGV[2 * i]
  local done
  if expiry == '0' then done = redis.pcall('SET', key, value)
  elseif expiry == 'k' then done = redis.pcall('SET', key, value, 'KEEPTTL')
  else done = redis.pcall('SET', key, value, 'PX', expiry) end
  out[i] = done.err and { done.err } or 1
end
return out`);

/**
 * Arguments of a key: the expiry, and `1` where the value is wanted. An entry without expiry stays so (T3), which GETEX would
 * not do. Answers with the value, or 1 where it is not wanted; false where there is no entry.
 */
export const renewScript: Script = script(`
local out = {}
for i, key in ipairs(KEYS) do
  local ms, wanted = ARGV[2 * i - 1], ARGV[2 * i] == '1'
  local left = redis.call('PTTL', key)
  local found = left ~= -2
  if found and wanted then found = redis.pcall('GET', key) end
  if type(found) == 'table' then found = { found.err }
  elseif found and left >= 0 then
    local done
    if ms == '0' then done = redis.pcall('PERSIST', key) else done = redis.pcall('PEXPIRE', key, ms) end
    if type(done) == 'table' then found = { done.err } end
  end
  if found == true then out[i] = 1 else out[i] = found end
end
return out`);

/**
 * Arguments of a key: what to add, and the expiry of an entry that this creates (A1). Answers with two elements for
 * each: the sum, as text since ioredis 6 rounds integers beyond 2^52, and the milliseconds left (-1 for no expiry);
 * or an error, and the string that the entry holds, if any, cut after more characters than an integer can have.
 *
 * INCRBY itself accepts only the text that A1 allows, keeps the expiry, and counts in 64 bits. Lua sees doubles: they
 * are exact for safe integers, and never round an unsafe one, or an unsafe sum of two safe ones, into the safe range.
 */
export const incrementScript: Script = script(`
local call, most, out = redis.pcall, 9007199254740991, {}
local function increment(key, by, ms)
  local left = call('PTTL', key)
  if left == -2 and ms ~= '0' then
    local done = call('SET', key, by, 'PX', ms)
    if done.err then return { done.err }, 0 end
    return by, ms
  end
  local sum = call('INCRBY', key, by)
  local failed = type(sum) == 'table' and sum.err
  if not failed then
    if math.abs(sum) <= most and math.abs(sum - by) <= most then
      return string.format('%.0f', sum), left == -2 and -1 or left
    end
    call('INCRBY', key, string.format('%.0f', -by))
    failed = 'ERR beyond the safe integers'
  end
  local held = call('GET', key)
  return { failed }, type(held) == 'string' and string.sub(held, 1, 18) or 0
end
for i, key in ipairs(KEYS) do out[2 * i - 1], out[2 * i] = increment(key, ARGV[2 * i - 1], ARGV[2 * i]) end
return out`);

/** Arguments of a key: the expected bytes, the value, the expiry. Answers 1, or 0 where they differ. */
export const compareAndSetScript: Script = script(`
local out = {}
for i, key in ipairs(KEYS) do
  local held = redis.pcall('GET', key)
  if type(held) == 'table' then out[i] = { held.err }
  elseif held ~= ARGV[3 * i - 2] then out[i] = 0
  else
    local value, expiry = ARGV[3 * i - 1], ARGV[3 * i]
    local done
    if expiry == '0' then done = redis.pcall('SET', key, value)
    elseif expiry == 'k' then done = redis.pcall('SET', key, value, 'KEEPTTL')
    else done = redis.pcall('SET', key, value, 'PX', expiry) end
    out[i] = done.err and { done.err } or 1
  end
end
return out`);

/** Argument of a key: the expected bytes. Answers 1, or 0 where they differ. */
export const compareAndDeleteScript: Script = script(`
local out = {}
for i, key in ipairs(KEYS) do
  local held = redis.pcall('GET', key)
  if type(held) == 'table' then out[i] = { held.err }
  elseif held ~= ARGV[i] then out[i] = 0
  else
    local done = redis.pcall('UNLINK', key)
    out[i] = type(done) == 'table' and { done.err } or done
  end
end
return out`);

function script(source: string): Script {
  return { source, sha1: createHash("sha1").update(source).digest("hex") };
}
