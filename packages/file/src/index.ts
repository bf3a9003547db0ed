export { type FileStore, type FileStoreOptions, fileStore } from "./store/file-store.ts";
