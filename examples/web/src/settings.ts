/** How the service runs, from the environment. */
export interface Settings {
  /** Where everything is kept: `KV_URL`. */
  readonly url: string | undefined;
  /** `PORT`: 0 for any that is free. Default: 3000. */
  readonly port: number;
  /** `WEB_PROCESSES`: how many answer requests; in memory always 1. Default: 2. */
  readonly processes: number;
  /** `WEB_PROXIES`: how many proxies stand before it and write `X-Forwarded-For`. Default: 0. */
  readonly proxies: number;
  /** `WEB_HTTPS=1`: it is reached over HTTPS, so its cookie can be secure. */
  readonly isHttps: boolean;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    url: env["KV_URL"],
    port: wholeNumber(env, "PORT", 3000),
    processes: wholeNumber(env, "WEB_PROCESSES", 2),
    proxies: wholeNumber(env, "WEB_PROXIES", 0),
    isHttps: env["WEB_HTTPS"] === "1",
  };
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === "") return otherwise;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new TypeError(`${name} must be a whole number.`);
}
