#!/usr/bin/env node
import { kv } from "./kv.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads has enough, as in `kv keys ... | head`.
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await kv(process.argv.slice(2), process);
