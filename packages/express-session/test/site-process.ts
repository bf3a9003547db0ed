// A site in a process of its own. Told "hold", it holds the next slow request; it says when that one is reached.
import { openElsewhere, type StorePlace } from "@kv/test-backends";
import { siteKinds } from "./sites.ts";

const { place, kind } = JSON.parse(process.argv[2] ?? "") as { place: StorePlace; kind: string };
const site = await siteKinds.find((one) => one.kind === kind)?.start(openElsewhere(place));
if (site === undefined) throw new Error(`There is no site of kind ${kind}.`);
let release = (): void => {};

process.on("message", (told) => {
  if (told === "release") return release();
  const gate = site.hold();
  ({ release } = gate);
  process.send?.("held");
  void gate.reached.then(() => process.send?.("reached"));
});

process.send?.({ url: site.url });
