import { tsImport } from "tsx/esm/api";

export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  command(...args: string[]): Promise<unknown>;
}

export interface Binaries {
  readonly server: string;
  readonly env: Record<string, string>;
  readonly version: string;
}

/** The part of `@kv/test-servers` that is used. It is TypeScript, and loads nothing of what is measured. */
export interface TestServers {
  startStandalone(options: { readonly kind: ServerKind; readonly args?: string[] }): Promise<Server>;
  serverBinaries(kind: ServerKind): Promise<Binaries>;
}

export type ServerKind = "redis" | "valkey";

export function testServers(): Promise<TestServers> {
  return tsImport("@kv/test-servers", import.meta.url) as Promise<TestServers>;
}
