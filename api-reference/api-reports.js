// Writes a report of the public types of each entry of each published package, from what was built: etc/<name>.api.md.
// They are committed, so that a change of what users see stands in its review.
//
//   node api-reports.js [FOLDER]   ../etc without one
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { entries } from "./entries.js";

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, "../etc"));
const scratch = await mkdtemp(join(tmpdir(), "kv-api-reports-"));
try {
  // One program for all of them: making one for each would take a second or more each time.
  const compilerState = CompilerState.create(configOf(entries[0]), {
    additionalEntryPoints: entries.map(({ types }) => types),
  });
  const reports = await Promise.all(entries.map((entry) => reportOf(entry, compilerState)));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [at, report] of reports.entries()) await writeFile(join(folder, nameOf(entries[at])), report);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function reportOf(entry, compilerState) {
  const config = configOf(entry);
  const { errorCount } = Extractor.invoke(config, { compilerState, localBuild: true, messageCallback });
  if (errorCount > 0) throw new Error(`No report could be made of ${entry.importedAs}`);
  const report = await readFile(config.reportFilePath, "utf8");
  // By itself the title names the package alone.
  return report.replace(/(?<=^## API Report File for ")[^"]+/, entry.importedAs);
}

function nameOf({ shortName }) {
  return `${shortName}.api.md`;
}

function configOf(entry) {
  const { packageFolder, isMain, types } = entry;
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(packageFolder, "package.json"),
    configObject: {
      projectFolder: packageFolder,
      mainEntryPointFilePath: types,
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "es2023",
            lib: ["es2023", "es2024.string", "esnext.disposable"],
            module: "nodenext",
            types: ["node"],
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: true,
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: nameOf(entry),
        reportFolder: scratch,
        reportTempFolder: join(scratch, "temp"),
        // Types that users meet without their names. What a smaller entry leaves out is mostly named by the main one.
        includeForgottenExports: isMain,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        // The docstrings are judged elsewhere: by typedoc, and by a test of their own.
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          "ae-forgotten-export": { logLevel: ExtractorLogLevel.None },
          "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None },
          "ae-undocumented": { logLevel: ExtractorLogLevel.None },
          "ae-unresolved-link": { logLevel: ExtractorLogLevel.None },
        },
      },
    },
  });
}

/** Says nothing but what goes wrong. */
function messageCallback(message) {
  if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
}
