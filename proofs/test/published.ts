import { readdirSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** The folders of the packages that are published. */
export const published: readonly string[] = readdirSync(new URL("../../packages", import.meta.url)).filter(
  (name) => !(require(`../../packages/${name}/package.json`) as { private?: boolean }).private,
);
