import { Mismatch } from "./expect.ts";

/** All that a listing gives, each once. A listing that goes on for ever is broken off. */
export async function collected(listing: AsyncIterable<string>, most = 100_000): Promise<string[]> {
  const items = new Set<string>();
  let count = 0;
  for await (const item of listing) {
    items.add(item);
    count += 1;
    if (count > most) throw new Mismatch("a listing that ends", `more than ${most} items`);
  }
  return [...items];
}
