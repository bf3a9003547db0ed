import { stat } from "node:fs/promises";
import type { Duration, FullStore } from "@kv/core";
import { UsageError } from "./exit-codes.ts";
import type { FileLocation, Location, ServerLocation } from "./location.ts";

/** Opens the store at a location, at its root. Only what that location needs is loaded. */
export async function openStore(location: Location, timeout: Duration): Promise<FullStore> {
  try {
    return location.backend === "file"
      ? await openFiles(location, timeout)
      : await openServer(location, timeout);
  } catch (error) {
    const name = `@kv/${location.backend}`;
    if (isNotInstalled(error, name)) {
      throw new UsageError(
        `${location.shown} needs ${name}, which is not installed. Install it beside @kv/cli: npm install ${name} (with --global, if kv was installed so).`,
        { cause: error },
      );
    }
    // An address or a namespace that the store refuses: constructing one does nothing else (L4).
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new UsageError(`${location.shown}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Refuses a folder that is not there, where the command would only find it empty. */
export async function checkThere(location: Location): Promise<void> {
  if (location.backend !== "file") return;
  const found = await stat(location.directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isDirectory() !== true) throw new UsageError(`There is no folder ${location.directory}.`);
}

async function openFiles({ directory }: FileLocation, timeout: Duration): Promise<FullStore> {
  const { fileStore } = await import("@kv/file");
  return fileStore({ directory, timeout });
}

async function openServer(location: ServerLocation, timeout: Duration): Promise<FullStore> {
  const { backend, url, root } = location;
  const options = { url, timeout, ...(root !== undefined && { namespace: root }) };
  if (backend === "redis") return (await import("@kv/redis")).redisStore(options);
  return (await import("@kv/valkey")).valkeyStore(options);
}

/** Whether a package itself is missing, and not one of those that it needs. */
function isNotInstalled(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    Reflect.get(error, "code") === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${name}'`)
  );
}
