import cluster from "node:cluster";
import { openStore } from "./open-store.ts";
import { serveAlone } from "./serve-alone.ts";
import { serveTogether } from "./serve-together.ts";
import { readSettings } from "./settings.ts";

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const complain = (line: string): boolean => process.stderr.write(`${line}\n`);

try {
  const settings = readSettings(process.env);
  const place = await openStore(settings.url);
  if (!cluster.isPrimary) await serveAlone(settings, place, () => {}, complain);
  else if (settings.processes > 1 && place.isShared) await serveTogether(settings, place, print);
  else await serveAlone(settings, place, print, complain);
} catch (error) {
  complain(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

// The channel to the process that started this one would keep it alive.
cluster.worker?.disconnect();
