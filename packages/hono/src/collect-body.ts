import { inBackground } from "@kv/core/driver";

/**
 * The bytes of a body, `undefined` where there are more than `maxBytes`, where they take longer than `limitMs`, and
 * where reading them fails or a piece is no bytes.
 */
export async function collectBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  limitMs: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, limitMs, "late");
  });
  try {
    for (;;) {
      const step = await Promise.race([reader.read(), late]);
      if (step === "late") break;
      if (step.done) return joined(chunks, length);
      if (!(step.value instanceof Uint8Array)) break; // runtimes may send strings, in a way of their own
      length += step.value.length;
      if (length > maxBytes) break;
      chunks.push(step.value);
    }
  } catch {
    // The client, who reads the other branch of the same stream, meets the error itself.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
  // Not awaited: of a stream in two branches it settles when both are done with.
  inBackground(() => reader.cancel().catch(() => {}));
  return undefined;
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
