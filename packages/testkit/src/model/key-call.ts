import { inspect } from "../support/inspect.ts";

/** The end of an entry: so many milliseconds from now, never, or that of the entry that it replaces. */
export type CallExpiry = number | "never" | "keep";

/** A call that concerns one key. Values are text. */
export type KeyCall = { readonly key: string } & (
  | { readonly kind: "get" | "delete" | "exists" | "expiresIn" | "take" }
  | { readonly kind: "touch" | "getAndRenew"; readonly renewForMs: number }
  | { readonly kind: "set"; readonly value: string; readonly expiry: CallExpiry }
  | { readonly kind: "setIfAbsent"; readonly value: string; readonly expiry: number | "never" }
  | { readonly kind: "increment"; readonly by: number; readonly expiry: number | "never" }
  | {
      readonly kind: "compareAndSet";
      readonly expected: string;
      readonly value: string;
      readonly expiry: CallExpiry;
    }
  | { readonly kind: "compareAndDelete"; readonly expected: string }
);

/** Reads the bytes of an answer as text. */
export function textOf(bytes: unknown): string | undefined {
  if (bytes === undefined) return undefined;
  return bytes instanceof Uint8Array
    ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
    : `${inspect(bytes)}, which is no Uint8Array`;
}
