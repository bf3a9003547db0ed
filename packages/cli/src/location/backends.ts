import { stat } from "node:fs/promises";
import type { Duration, FullStore } from "@kv/core";
import { storeFromUrl } from "@kv/from-url";
import { UsageError } from "../usage/exit-codes.ts";
import type { Location } from "./location.ts";

/** Opens the store at a location, at the namespace where the application opens it. Loads only the backend it needs. */
export async function openStore(location: Location, timeout: Duration): Promise<FullStore> {
  const { url, root, display } = location;
  try {
    return await storeFromUrl(url, { namespace: root, timeout });
  } catch (error) {
    const name = `@kv/${location.backend}`;
    if (error instanceof Error && isNotInstalled(error.cause, name)) {
      throw new UsageError(
        `${display} needs ${name}, which is not installed. Install it alongside @kv/cli: npm install ${name} (with --global if that is how kv was installed).`,
        { cause: error },
      );
    }
    // An address or a namespace that the store refuses: constructing one does nothing else (L4).
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new UsageError(`${display}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Refuses a folder that does not exist: the command would treat it as an empty store. */
export async function checkExists({ directory }: Location): Promise<void> {
  if (directory === undefined) return;
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isDirectory() !== true) throw new UsageError(`There is no folder ${directory}.`);
}

/** Tells whether the package itself is missing, and not one of its dependencies. */
export function isNotInstalled(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    Reflect.get(error, "code") === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${name}'`)
  );
}
