#!/usr/bin/env node
import { guarded } from "@kv/core/driver";
import { kv } from "./command-line/kv.ts";
import { exitCodes } from "./usage/exit-codes.ts";

process.stdout.on(
  "error",
  guarded((error: NodeJS.ErrnoException) => {
    // The reader has enough, as in `kv keys ... | head`.
    if (error.code === "EPIPE") process.exit(0);
    process.stderr.write(`kv: The output cannot be written: ${error.message}.\n`);
    process.exit(exitCodes.failed);
  }),
);

process.exitCode = await kv(process.argv.slice(2), process);

// A store that is tried may leave anything open.
if (process.argv[2] === "prove") process.stdout.write("", () => process.exit());
