// A worker thread that listens and then stands still, so that it takes nothing of what is connected to its port.
// It listens with a backlog of `backlog`, says so, and goes on to end only when it is woken. Plain JavaScript, because
// Node 20 runs no TypeScript.
import { createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { port, backlog, awake } = workerData;
const server = createServer((socket) => socket.destroy());
server.listen({ host: "127.0.0.1", port, backlog }, () => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort.postMessage("listening");
  Atomics.wait(awake, 0, 0);
  server.close();
});
