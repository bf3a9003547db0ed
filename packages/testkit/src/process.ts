export {
  type IdleProcess,
  openInProcess,
  type ProcessOptions,
  type ProcessStore,
} from "./process/process-store.ts";
export { serveStore } from "./process/serve-store.ts";
