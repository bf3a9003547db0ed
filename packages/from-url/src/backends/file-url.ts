/**
 * Reads the directory from a `file:` URL. `file:./data` is taken literally, relative to the working directory of the
 * process; `file:///data` is a URL, percent-encoded. The query is ignored.
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
  if (directory === "") throw invalidUrl();
  return directory;
}

function pathOf(written: string): string {
  // Looked up at run time, so that bundlers for other runtimes than Node find no import to resolve.
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  try {
    return fileURLToPath(`file:${written}`);
  } catch (cause) {
    throw invalidUrl(cause);
  }
}

function invalidUrl(cause?: unknown): TypeError {
  return new TypeError('The URL of a directory must be like "file:./data", or "file:///var/data".', {
    cause,
  });
}
