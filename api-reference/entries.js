import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = new URL("../packages/", import.meta.url);

/** Every entry of every published package: what it is imported by, its source, and its types once they are built. */
export const entries = readdirSync(packages).flatMap((folder) => {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
  if (manifest.private === true) return [];
  const fileAt = (path) => fileURLToPath(new URL(`${folder}/${path}`, packages));
  return Object.entries(manifest.exports)
    .filter(([, conditions]) => conditions["@kv/source"] !== undefined)
    .map(([path, conditions]) => ({
      packageFolder: fileAt(""),
      // `core` for its main entry, `core.driver` for `@kv/core/driver`.
      shortName: folder + path.slice(1).replaceAll("/", "."),
      isMain: path === ".",
      importedAs: manifest.name + path.slice(1),
      source: fileAt(conditions["@kv/source"]),
      types: fileAt(conditions.types),
    }));
});
