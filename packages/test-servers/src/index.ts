export { installedBinaries, type ServerBinaries, serverBinaries } from "./binaries.ts";
export { type Certificates, makeCertificates } from "./certificates.ts";
export type { DataServerOptions } from "./data-server.ts";
export type { ServerKind } from "./kind.ts";
export type { Reply } from "./resp.ts";
export type { RunningServer } from "./server.ts";
export { standaloneUrl, startStandalone } from "./standalone.ts";
export { until } from "./until.ts";
