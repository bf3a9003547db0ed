/** The address of a server and the credentials, as the options of a client. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
}

const schemes = /^(?:redis|valkey)(s?):$/;

/**
 * Reads `redis://user:password@host:port/database`, or `rediss://` for TLS; `valkey` means the same. No error shows the URL, which may
 * contain a password.
 *
 * @throws TypeError for any other URL
 */
export function parseServerUrl(url: string): { address: ServerAddress; tls: boolean } {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  const overTls = schemes.exec(parsed?.protocol ?? "")?.[1];
  const database = /^\/?(\d*)$/.exec(parsed?.pathname ?? "-")?.[1];
  if (
    parsed === undefined ||
    overTls === undefined ||
    database === undefined ||
    parsed.hostname === "" ||
    parsed.search !== "" ||
    parsed.hash !== ""
  ) {
    throw invalidServerUrl();
  }
  return {
    address: {
      host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: parsed.port === "" ? 6379 : Number(parsed.port),
      db: Number(database),
      ...(parsed.username !== "" && { username: decoded(parsed.username) }),
      ...(parsed.password !== "" && { password: decoded(parsed.password) }),
    },
    tls: overTls === "s",
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalidServerUrl(cause); // a "%" that encodes nothing
  }
}

function invalidServerUrl(cause?: unknown): TypeError {
  return new TypeError(
    'url must be like "redis://user:password@host:6379/0", or "rediss://..." for TLS; special characters of a password must be percent-encoded. For anything else make a client yourself and pass it as { client }.',
    { cause },
  );
}
