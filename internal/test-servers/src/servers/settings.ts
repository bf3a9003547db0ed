import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificates } from "../install/certificates.ts";

/** Directives of redis.conf by name; the same names are the program's options. */
export type Settings = Record<string, string>;

export function asArguments(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The settings of whatever listens on `port` and keeps its files in `folder`: a server or a sentinel. */
export async function listenSettings(
  folder: string,
  port: number,
  certificates: Certificates | undefined,
): Promise<Settings> {
  const place = { bind: "127.0.0.1", "protected-mode": "yes", dir: folder };
  if (certificates === undefined) return { ...place, port: String(port) };
  return {
    ...place,
    port: "0",
    "tls-port": String(port),
    "tls-auth-clients": "no",
    "tls-replication": "yes",
    "tls-ca-cert-file": await write(folder, "ca.pem", certificates.ca),
    "tls-cert-file": await write(folder, "certificate.pem", certificates.certificate),
    "tls-key-file": await write(folder, "key.pem", certificates.key),
  };
}

/** The settings that let in the user `default` with `password`, and the users that `acl` defines. */
export async function accessSettings(
  folder: string,
  password: string | undefined,
  acl: readonly string[],
): Promise<Settings> {
  const toPrimary = password === undefined ? {} : { masterauth: password };
  if (acl.length === 0) return password === undefined ? {} : { requirepass: password, ...toPrimary };
  // A server with an ACL file takes no notice of requirepass.
  const secret = password === undefined ? "nopass" : `>${password}`;
  const users = [`user default on ${secret} ~* &* +@all`, ...acl, ""].join("\n");
  return { aclfile: await write(folder, "users.acl", users), ...toPrimary };
}

async function write(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}
