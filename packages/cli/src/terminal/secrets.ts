const credentials = /([a-z][\w+.-]*:\/\/)(.*)@/is;

/**
 * Removes the password from an address: `redis://ada:***@host:6379`. Everything up to the last `@` counts as credentials,
 * since a password that was not percent-encoded makes the URL invalid, and is a secret all the same.
 */
export function withoutPassword(address: string): string {
  return address.replace(credentials, (_, scheme: string, userinfo: string) => {
    const colon = userinfo.indexOf(":");
    return `${scheme}${colon === -1 ? "" : userinfo.slice(0, colon + 1)}***@`;
  });
}

/** Makes a function that removes the passwords of these addresses from a text. */
export function redactor(addresses: Iterable<string>): (text: string) => string {
  const secrets = new Map<string, string>();
  for (const address of addresses) {
    const userinfo = credentials.exec(address)?.[2];
    if (userinfo === undefined) continue;
    secrets.set(address, withoutPassword(address));
    const password = userinfo.slice(userinfo.indexOf(":") + 1);
    // A shorter one would be found in the middle of words, and could be guessed from the gaps.
    for (const spelling of [password, decoded(password)])
      if (spelling.length > 3) secrets.set(spelling, "***");
  }
  return (text) => {
    let redacted = text;
    for (const [secret, replacement] of secrets) redacted = redacted.replaceAll(secret, () => replacement);
    return redacted;
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
