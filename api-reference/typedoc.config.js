import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Converter } from "typedoc";

const packages = new URL("../packages/", import.meta.url);

/** Every entry of every published package: its sources, and the name that it is imported by. */
const entries = readdirSync(packages).flatMap((folder) => {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
  if (manifest.private === true) return [];
  return Object.entries(manifest.exports).flatMap(([path, conditions]) => {
    const source = conditions["@kv/source"];
    if (source === undefined) return [];
    const file = fileURLToPath(new URL(`${folder}/${source}`, packages));
    return [{ file, importedAs: manifest.name + path.slice(1) }];
  });
});

/** Names the modules as they are imported, not by their files. */
function nameByImport({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      const file = module.sources?.[0]?.fullFileName;
      module.name = entries.find((entry) => entry.file === file)?.importedAs ?? module.name;
    }
  });
}

/** @type {import("typedoc").TypeDocOptions} */
export default {
  name: "@kv",
  entryPoints: entries.map(({ file }) => file),
  plugin: [nameByImport],
  // The pages of this repository link to its folders: they are read there.
  readme: "none",
  out: "../docs/api",
  // What express-session and Node have put into a class that inherits from theirs.
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  disableGit: true,
  sourceLinkTemplate: "https://github.com/kv-stores/kv/blob/main/{path}#L{line}",
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true },
};
