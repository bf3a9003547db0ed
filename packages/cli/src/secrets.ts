const credentials = /([a-z][\w+.-]*:\/\/)(.*)@/is;

/**
 * An address without its password: `redis://ada:***@host:6379`. Everything up to the last `@` counts as credentials,
 * for a password that was not percent-encoded makes no URL, and is a secret all the same.
 */
export function withoutPassword(address: string): string {
  return address.replace(credentials, (_, scheme: string, userinfo: string) => {
    const colon = userinfo.indexOf(":");
    return `${scheme}${colon === -1 ? "" : userinfo.slice(0, colon + 1)}***@`;
  });
}

/** Takes the passwords of these addresses out of a text, wherever they came from. */
export function hiding(addresses: Iterable<string>): (text: string) => string {
  const secrets = new Map<string, string>();
  for (const address of addresses) {
    const userinfo = credentials.exec(address)?.[2];
    if (userinfo === undefined) continue;
    secrets.set(address, withoutPassword(address));
    const password = userinfo.slice(userinfo.indexOf(":") + 1);
    // A shorter one would be found in the middle of words, and be told by its gaps.
    for (const spelling of [password, decoded(password)])
      if (spelling.length > 3) secrets.set(spelling, "***");
  }
  return (text) => {
    let hidden = text;
    for (const [secret, shown] of secrets) hidden = hidden.replaceAll(secret, () => shown);
    return hidden;
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
