export { type IdleProcess, openInProcess, type ProcessOptions, type ProcessStore } from "./process-store.ts";
export { serveStore } from "./serve-store.ts";
