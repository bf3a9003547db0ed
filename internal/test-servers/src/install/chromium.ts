import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run } from "../process/run.ts";
import { installWithApt, libraryFolders, type Wanted } from "./apt-install.ts";
import { cacheFolder } from "./cache-folder.ts";

/** A browser that runs on this machine. */
export interface ChromiumBinary {
  readonly executablePath: string;
  /** What has to be in the environment for it to run. */
  readonly env: Record<string, string>;
}

const names = ["chromium", "chromium-browser", "google-chrome"];

/**
 * Finds Chromium: where `KV_TEST_CHROMIUM` says, else on PATH, else unpacked from Debian's packages, with the
 * libraries that this system lacks and a font.
 */
export async function chromiumBinary(): Promise<ChromiumBinary> {
  const told = process.env["KV_TEST_CHROMIUM"];
  if (told !== undefined) return { executablePath: told, env: {} };
  for (const place of (process.env["PATH"] ?? "").split(delimiter)) {
    const found = names.map((name) => join(place, name)).find((path) => place !== "" && existsSync(path));
    if (found !== undefined) return { executablePath: found, env: {} };
  }
  try {
    return await unpacked(await installWithApt(wanted, cacheFolder()));
  } catch (cause) {
    throw new Error(
      `This test needs Chromium. Install it so that it is on PATH, or set KV_TEST_CHROMIUM to its path. It could not be fetched either: ${String(cause)}`,
      { cause },
    );
  }
}

const wanted: Wanted = {
  name: "chromium",
  suite: "release",
  async packages(env) {
    const status = "Dir::State::status=/var/lib/dpkg/status"; // what is there already need not be fetched
    const parts = ["chromium", "fonts-dejavu-core"];
    const plan = await run(
      "apt-get",
      ["-s", "-o", status, "--no-install-recommends", "--reinstall", "install", ...parts],
      { env, withinMs: 60_000 },
    );
    return [...new Set([...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? ""))];
  },
};

async function unpacked(folder: string): Promise<ChromiumBinary> {
  const fonts = join(folder, "fonts.conf");
  const cache = join(folder, "font-cache");
  await writeFile(
    fonts,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig><dir>${join(folder, "usr/share/fonts")}</dir><cachedir>${cache}</cachedir></fontconfig>\n`,
  );
  const libraries = (await libraryFolders(folder)).flatMap((lib) => [lib, join(lib, "pulseaudio")]);
  const env = { LD_LIBRARY_PATH: libraries.join(":"), FONTCONFIG_FILE: fonts };
  return { executablePath: join(folder, "usr/lib/chromium/chromium"), env };
}
