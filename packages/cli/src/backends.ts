import { stat } from "node:fs/promises";
import type { Duration, FullStore } from "@kv/core";
import { storeFromUrl } from "@kv/from-url";
import { UsageError } from "./exit-codes.ts";
import type { Location } from "./location.ts";

/** Opens the store at a location, where the application's begins. Only what that location needs is loaded. */
export async function openStore(location: Location, timeout: Duration): Promise<FullStore> {
  const { url, root, shown } = location;
  try {
    return await storeFromUrl(url, { namespace: root, timeout });
  } catch (error) {
    const name = `@kv/${location.backend}`;
    if (error instanceof Error && isNotInstalled(error.cause, name)) {
      throw new UsageError(
        `${shown} needs ${name}, which is not installed. Install it beside @kv/cli: npm install ${name} (with --global, if kv was installed so).`,
        { cause: error },
      );
    }
    // An address or a namespace that the store refuses: constructing one does nothing else (L4).
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new UsageError(`${shown}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Refuses a folder that is not there, where the command would only find it empty. */
export async function checkThere({ directory }: Location): Promise<void> {
  if (directory === undefined) return;
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isDirectory() !== true) throw new UsageError(`There is no folder ${directory}.`);
}

/** Whether a package itself is missing, and not one of those that it needs. */
function isNotInstalled(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    Reflect.get(error, "code") === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${name}'`)
  );
}
