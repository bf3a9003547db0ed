/**
 * Reads the directory from a `file:` URL. `file:./data` is taken as it is written, relative to where the process
 * works; `file:///data` is a URL, percent-encoded. What follows a `?` is left out.
 *
 * @throws TypeError where it names no directory
 *
 * @example
 * ```ts
 * import { directoryOf } from "@kv/from-url";
 *
 * console.log(directoryOf("file:///var/lib/my%20shop")); // /var/lib/my shop
 * ```
 */
export function directoryOf(url: string | URL): string {
  const [written = "", ...query] = String(url)
    .replace(/^file:/i, "")
    .split("?");
  if (query.length > 1 || written.includes("#")) {
    throw new TypeError(
      'A "?" or "#" in the name of a directory must be percent-encoded: file:///a%3Fb, or pathToFileURL of node:url.',
    );
  }
  const directory = written.startsWith("//") ? pathOf(written) : written;
  if (directory === "") throw wrong();
  return directory;
}

function pathOf(written: string): string {
  // Asked for at run time: a bundler for another place than Node finds no import that it would have to resolve.
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  try {
    return fileURLToPath(`file:${written}`);
  } catch (cause) {
    throw wrong(cause);
  }
}

function wrong(cause?: unknown): TypeError {
  return new TypeError('The URL of a directory must be like "file:./data", or "file:///var/data".', {
    cause,
  });
}
