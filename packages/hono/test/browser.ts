/** A browser as far as cookies go: it sends back what it was told to keep. */
export class Browser {
  readonly #url: string;
  readonly cookies: Map<string, string> = new Map();

  constructor(url: string, cookies: Iterable<readonly [string, string]> = []) {
    this.#url = url;
    for (const [name, value] of cookies) this.cookies.set(name, value);
  }

  async ask(path: string, init: { method?: string } = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers: Record<string, string> = cookie === "" ? {} : { cookie };
    const response = await fetch(this.#url + path, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  async text(path: string): Promise<string> {
    return (await this.ask(path)).text();
  }
}
