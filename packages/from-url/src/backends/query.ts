import { checkOptions } from "@kv/core/driver";

/**
 * Reads a backend's own options from the query of a URL.
 *
 * @throws TypeError for an option that is unknown or given twice, and for text where a number is expected
 */
export function optionsInQuery<Settings>(
  url: string,
  types: { readonly [Name in keyof Settings & string]?: "text" | "number" },
): Partial<Settings> {
  const [, query] = /\?(.*)$/s.exec(url) ?? [];
  const found = new URLSearchParams(query);
  checkOptions(Object.fromEntries(found), Object.keys(types));
  const options: Record<string, string | number> = {};
  for (const [name, text] of found) {
    if (name in options) throw new TypeError(`The URL sets ${name} twice.`);
    const isNumber = types[name as keyof typeof types] === "number";
    if (isNumber && !/^\d+$/.test(text)) throw new TypeError(`${name} in the URL must be a whole number.`);
    options[name] = isNumber ? Number(text) : text;
  }
  return options as Partial<Settings>;
}
