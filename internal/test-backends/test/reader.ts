import { openElsewhere, type StorePlace } from "@kv/test-backends";

const store = openElsewhere(JSON.parse(process.argv[2] ?? "") as StorePlace);
process.send?.(new TextDecoder().decode(await store.get("k")));
