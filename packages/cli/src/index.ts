export { kv } from "./command-line/kv.ts";
export {
  type CopyCounts,
  type CopyOptions,
  type CopySource,
  type CopyTarget,
  copyStore,
} from "./copy/copy-store.ts";
export type { Terminal } from "./terminal/terminal.ts";
export { type ExitCode, exitCodes } from "./usage/exit-codes.ts";
