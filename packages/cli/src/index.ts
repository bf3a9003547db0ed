export {
  type CopyCounts,
  type CopyOptions,
  type CopySource,
  type CopyTarget,
  copyStore,
} from "./copy-store.ts";
export { type ExitCode, exitCodes } from "./exit-codes.ts";
export { kv } from "./kv.ts";
export type { Terminal } from "./terminal.ts";
