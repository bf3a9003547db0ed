#!/usr/bin/env node
import { guarded } from "@kv/core/driver";
import { exitCodes } from "./exit-codes.ts";
import { kv } from "./kv.ts";

process.stdout.on(
  "error",
  guarded((error: NodeJS.ErrnoException) => {
    // Whoever reads has enough, as in `kv keys ... | head`.
    if (error.code === "EPIPE") process.exit(0);
    process.stderr.write(`kv: The answer cannot be written: ${error.message}.\n`);
    process.exit(exitCodes.failed);
  }),
);

process.exitCode = await kv(process.argv.slice(2), process);
