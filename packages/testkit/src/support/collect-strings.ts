export interface FoundString {
  /** The way to it: `error.cause.command.args.1`. */
  readonly where: string;
  readonly text: string;
}

const deepest = 8;

/**
 * Every text that an error carries: its message, its stack, its own properties and those of its causes, however
 * deep, also what is not enumerable, and bytes read as text.
 */
export function collectStrings(error: unknown): FoundString[] {
  const found: FoundString[] = [];
  const seen = new Set<object>();

  function look(at: unknown, where: string, depth: number): void {
    if (typeof at === "string") found.push({ where, text: at });
    if (typeof at !== "object" || at === null || seen.has(at) || depth > deepest) return;
    seen.add(at);
    if (ArrayBuffer.isView(at)) {
      const bytes = new Uint8Array(at.buffer, at.byteOffset, at.byteLength);
      found.push({ where, text: new TextDecoder("latin1").decode(bytes) });
      return;
    }
    if (at instanceof Map || at instanceof Set) look([...at], where, depth + 1);
    for (const name of Reflect.ownKeys(at)) {
      const property = Object.getOwnPropertyDescriptor(at, name);
      // A getter could do anything; what it would give is not kept in the error.
      if (property !== undefined && "value" in property)
        look(property.value, `${where}.${String(name)}`, depth + 1);
      found.push({ where: `a name in ${where}`, text: String(name) });
    }
  }

  look(error, "error", 0);
  if (error instanceof Error) found.push({ where: "error.stack", text: error.stack ?? "" });
  return found;
}
