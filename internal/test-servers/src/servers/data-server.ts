import { type Certificates, makeCertificates } from "../install/certificates.ts";
import type { ServerKind, ServerRelease } from "./kind.ts";
import { launch, type RunningServer } from "./server.ts";
import { accessSettings, asArguments, listenSettings, type Settings } from "./settings.ts";

/** What every server that holds data can be asked for. */
export interface DataServerOptions {
  kind: ServerKind;
  /** Without it, the server that is found on this machine or in its release's packages (see `serverBinaries`). */
  release?: ServerRelease;
  /** Further arguments, such as `["--maxclients", "10"]`. They come last and win. */
  args?: readonly string[];
  /** The password of the user `default`, and of its replicas. Without it none is asked for. No white space. */
  password?: string;
  /**
   * Further users, as lines of an ACL file: `user reader on >secret ~* &* +@all -@scripting -scan`.
   * The user `default` may do everything, as ever.
   */
  acl?: readonly string[];
  /** Only TLS on its port, with a certificate for 127.0.0.1; `ca` of the running server is its authority. */
  tls?: boolean | Certificates;
  /** Such as `8mb`; full is full (`noeviction`), unless `args` say otherwise. */
  maxmemory?: string;
}

const BASE: Settings = {
  save: "",
  appendonly: "no",
  "repl-diskless-sync-delay": "0",
  // DEBUG POPULATE fills a server in an instant, DEBUG SLEEP makes it slow.
  "enable-debug-command": "local",
};

/** Starts one server; `role` makes it a replica or a node of a cluster. */
export function startDataServer(options: DataServerOptions, role: Settings = {}): Promise<RunningServer> {
  const { kind, release, password, acl = [], maxmemory, args = [] } = options;
  const certificates = certificatesOf(options);
  const memory = maxmemory === undefined ? {} : { maxmemory, "maxmemory-policy": "noeviction" };
  return launch({
    kind,
    release,
    password,
    certificates,
    prepare: async (folder, port) => [
      ...asArguments({
        ...BASE,
        ...(await listenSettings(folder, port, certificates)),
        ...(await accessSettings(folder, password, acl)),
        ...memory,
        ...role,
      }),
      ...args,
    ],
  });
}

/** The certificates that servers which belong together share, or `undefined` for plain ports. */
export function certificatesOf({ tls = false }: Pick<DataServerOptions, "tls">): Certificates | undefined {
  if (tls === false) return undefined;
  return tls === true ? makeCertificates() : tls;
}
