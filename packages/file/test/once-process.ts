import { fileStore } from "@kv/file";

// Sets a key, and ends without closing the store: by itself, by exit, or killed.

const [directory = "", ending = ""] = process.argv.slice(2);
const store = fileStore({ directory, durability: "none" });
await store.set(`key ${process.pid}`, "1");
if (ending === "exit") process.exit();
if (ending === "kill") process.kill(process.pid, "SIGKILL");
