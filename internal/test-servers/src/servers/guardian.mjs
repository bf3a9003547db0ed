// The guardian of a test run: a process of its own that reads one order a line from its standard input.
//   +pid 123   -pid 123   +folder /tmp/x   -folder /tmp/x
// The input ends when the test run does, however it ends, kill -9 included. What is still on the lists then
// is killed and removed. Plain JavaScript, because Node 20 runs no TypeScript.
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

const pids = new Set();
const folders = new Set();

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [order = "", ...rest] = line.split(" ");
    const list = order.endsWith("pid") ? pids : folders;
    const name = rest.join(" ");
    if (order.startsWith("+")) list.add(name);
    else list.delete(name);
  })
  .on("close", () => {
    for (const pid of pids) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch (error) {
        if (error.code !== "ESRCH") throw error;
      }
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
