import type { Command } from "../commands/command.ts";
import { copy } from "../commands/copy.ts";
import { deleteKeys } from "../commands/delete.ts";
import { deleteAll } from "../commands/delete-all.ts";
import { deleteExpired } from "../commands/delete-expired.ts";
import { get } from "../commands/get.ts";
import { entries, keys, namespaces } from "../commands/listings.ts";
import { prove } from "../commands/prove.ts";
import { set } from "../commands/set.ts";
import { take } from "../commands/take.ts";
import { ttl } from "../commands/ttl.ts";

export const commands: ReadonlyMap<string, Command> = new Map([
  ["get", get],
  ["take", take],
  ["set", set],
  ["delete", deleteKeys],
  ["keys", keys],
  ["entries", entries],
  ["namespaces", namespaces],
  ["ttl", ttl],
  ["delete-expired", deleteExpired],
  ["delete-all", deleteAll],
  ["copy", copy],
  ["prove", prove],
]);
