// Installs a server below the folder it is given, and prints what it got.
import { installedBinaries } from "@kv/test-servers";

const [kind, cache = ""] = process.argv.slice(2);
const binaries = await installedBinaries(kind === "valkey" ? "valkey" : "redis", cache);
process.stdout.write(JSON.stringify(binaries));
