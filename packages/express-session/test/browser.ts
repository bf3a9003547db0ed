/** What a browser does of cookies, as far as these tests need it: it keeps the last one and sends it. */
export interface Browser {
  cookie: string | undefined;
  get(path: string): Promise<Page>;
  post(path: string): Promise<Page>;
}

export interface Page {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The cookie that the answer set. */
  readonly newCookie: string | undefined;
}

export function browser(url: string, cookie?: string): Browser {
  const self: Browser = { cookie, get: (path) => ask("GET", path), post: (path) => ask("POST", path) };
  const ask = async (method: string, path: string): Promise<Page> => {
    const headers = self.cookie === undefined ? {} : { cookie: self.cookie };
    const response = await fetch(url + path, { method, headers });
    const newCookie = response.headers.getSetCookie()[0]?.split(";")[0];
    if (newCookie !== undefined) self.cookie = newCookie;
    const text = await response.text();
    return { status: response.status, body: text === "" ? {} : JSON.parse(text), newCookie };
  };
  return self;
}
