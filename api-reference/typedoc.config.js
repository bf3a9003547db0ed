import { Converter } from "typedoc";
import { entries } from "./entries.js";

/** Names the modules as they are imported, not by their files. */
function nameByImport({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      const file = module.sources?.[0]?.fullFileName;
      module.name = entries.find(({ source }) => source === file)?.importedAs ?? module.name;
    }
  });
}

/** @type {import("typedoc").TypeDocOptions} */
export default {
  name: "@kv",
  entryPoints: entries.map(({ source }) => source),
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
