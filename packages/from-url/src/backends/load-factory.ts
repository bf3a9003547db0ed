import { StoreError } from "@kv/core";

/**
 * Loads the factory of a backend from its package.
 *
 * @throws StoreError `KV_FAILED` where the package is not installed, or cannot be loaded
 */
export async function loadFactory({
  package: name,
  factory,
}: {
  readonly package: string;
  readonly factory: string;
}): Promise<unknown> {
  const module = await load(name);
  const found = module[factory];
  if (typeof found === "function") return found;
  throw new StoreError(
    "KV_FAILED",
    `${name} has no ${factory}: install a version of it that is compatible with @kv/from-url.`,
  );
}

async function load(name: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    // The name is a variable, so that no bundler includes every backend, or fails for one that is not installed.
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as Record<string, unknown>;
  } catch (cause) {
    const message = isNotInstalled(cause, name)
      ? `The URL needs ${name}, which is not installed: npm install ${name}.`
      : `${name} could not be loaded; see the cause.`;
    throw new StoreError("KV_FAILED", `${message} If you bundle, pass its factory in the option backends.`, {
      cause,
    });
  }
}

/** Tells whether the package itself is missing, and not one of its dependencies. */
function isNotInstalled(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    Reflect.get(error, "code") === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${name}'`)
  );
}
