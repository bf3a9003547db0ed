import { inBackground, settlesWithin } from "@kv/core/driver";

/**
 * Collects the bytes of a body. Resolves with `undefined` where there are more than `maxBytes`, where they take longer
 * than `limitMs`, and where reading them fails or gives something else than bytes.
 */
export async function collectBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  limitMs: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const reading = readBytes(reader, maxBytes);
  try {
    const whole = (await settlesWithin(limitMs, reading)) ? await reading : undefined;
    if (whole !== undefined) return whole;
  } catch {
    // The client reads the other branch of the same stream, and gets the error itself.
    return undefined;
  }
  // Not awaited: with a stream that was teed it settles once both branches have ended.
  inBackground(() => reader.cancel().catch(() => {}));
  return undefined;
}

async function readBytes(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, length);
    if (!(value instanceof Uint8Array)) return undefined; // some runtimes take strings, too
    length += value.length;
    if (length > maxBytes) return undefined;
    chunks.push(value);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
