/** What a server answers. An error inside an array (of EXEC, say) is an `Error` in its place. */
export type Reply = string | number | null | Error | Reply[];

/** A command as the servers take it: an array of bulk strings. */
export function encodeCommand(args: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === "string" ? Buffer.from(arg) : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/**
 * Where the RESP2 or RESP3 frame that begins at `start` ends, or `undefined` if part of it is still to come.
 * Works for commands too. Throws a `SyntaxError` on what is not RESP (TLS, say).
 */
export function frameEnd(bytes: Buffer, start: number): number | undefined {
  let at = start;
  for (let pending = 1; pending > 0; pending--) {
    if (at >= bytes.length) return undefined;
    const lineEnd = bytes.indexOf("\r\n", at);
    const type = String.fromCharCode(bytes[at] ?? 0);
    if (!"$!=*~>%|+-:,#_(".includes(type)) throw new SyntaxError(`This is not RESP: ${JSON.stringify(type)}`);
    if (lineEnd === -1) return undefined;
    const length = Number(bytes.toString("latin1", at + 1, lineEnd));
    at = lineEnd + 2;
    if ("$!=".includes(type) && length >= 0) at += length + 2;
    else if ("*~>".includes(type) && length > 0) pending += length;
    else if (type === "%") pending += 2 * length;
    // An attribute stands before the reply it belongs to.
    else if (type === "|") pending += 2 * length + 1;
  }
  return at <= bytes.length ? at : undefined;
}

/** Reads the RESP2 frame at `start`, which must be there as a whole (see `frameEnd`). */
export function decodeReply(bytes: Buffer, start = 0): Reply {
  return decode(bytes, start).value;
}

/** The elements of an array. Throws a `TypeError` on any other reply. */
export function rows(reply: Reply): Reply[] {
  if (!Array.isArray(reply)) throw new TypeError(`Expected an array, got ${String(reply)}`);
  return reply;
}

/** An array of names and values in turn, as an object. */
export function fields(reply: Reply): Record<string, string> {
  const flat = rows(reply).map(String);
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""]] : [])));
}

function decode(bytes: Buffer, start: number): { value: Reply; end: number } {
  const lineEnd = bytes.indexOf("\r\n", start);
  const line = bytes.toString("utf8", start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (bytes[start]) {
    case 0x2b: // +
      return { value: line, end };
    case 0x2d: // -
      return { value: new Error(line), end };
    case 0x3a: // :
      return { value: Number(line), end };
    case 0x24: {
      // $
      const length = Number(line);
      if (length < 0) return { value: null, end };
      return { value: bytes.toString("utf8", end, end + length), end: end + length + 2 };
    }
    case 0x2a: {
      // *
      const length = Number(line);
      if (length < 0) return { value: null, end };
      const items: Reply[] = [];
      let at = end;
      while (items.length < length) {
        const item = decode(bytes, at);
        items.push(item.value);
        at = item.end;
      }
      return { value: items, end: at };
    }
    default:
      throw new SyntaxError(`This is not RESP2: ${JSON.stringify(bytes.toString("latin1", start, lineEnd))}`);
  }
}
