import { checkOptions } from "@kv/core/driver";

/**
 * Reads a backend's own options from the query of a URL.
 *
 * @throws TypeError for an option that is not known, or given twice, and for what is no number where one is meant
 */
export function optionsInQuery<Settings>(
  url: string,
  kinds: { readonly [Name in keyof Settings & string]?: "text" | "number" },
): Partial<Settings> {
  const [, query] = /\?(.*)$/s.exec(url) ?? [];
  const found = new URLSearchParams(query);
  checkOptions(Object.fromEntries(found), Object.keys(kinds));
  const options: Record<string, string | number> = {};
  for (const [name, text] of found) {
    if (name in options) throw new TypeError(`The URL says ${name} twice.`);
    const isNumber = kinds[name as keyof typeof kinds] === "number";
    if (isNumber && !/^\d+$/.test(text)) throw new TypeError(`${name} in the URL must be a whole number.`);
    options[name] = isNumber ? Number(text) : text;
  }
  return options as Partial<Settings>;
}
