export { failingStore } from "./failing-store.ts";
export { openElsewhere, type StorePlace } from "./place.ts";
export { type OpenBackend, sharedBackends, type TestBackend, testBackends } from "./test-backends.ts";
export { startWorker, type Worker } from "./worker.ts";
