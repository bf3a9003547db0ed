import type { Socket } from "node:net";
import { frameReader } from "../protocol/frame-reader.ts";
import { decodeReply } from "../protocol/resp.ts";
import { type Fault, type Faults, takeFault } from "./proxy-faults.ts";
import type { ProxyTraffic } from "./proxy-traffic.ts";
import { slowWriter } from "./slow-writer.ts";

/** A client's connection and the one to the server that belongs to it. */
export interface ProxyConnection {
  /** Destroys both ends immediately. */
  cut(): void;
  /** Stops or goes on, as the faults say now. */
  obeySilence(): void;
  /** Falls silent for ever; the client does not hear of it when the server is gone. */
  forget(): void;
}

const PUSH = ">".charCodeAt(0);

/**
 * Passes whole RESP frames both ways: the nth reply belongs to the nth command, so a fault meets the reply
 * it is meant for.
 *
 * What is not RESP (TLS) is passed as it is; faults that wait for a command never strike there. The replies
 * of SUBSCRIBE and MONITOR in RESP2 are not counted right.
 */
export function relay(
  client: Socket,
  server: Socket,
  faults: Faults,
  traffic: ProxyTraffic,
): ProxyConnection {
  const requests = frameReader();
  const replies = frameReader();
  const toClient = slowWriter(client, () => faults.trickling);
  /** The faults that commands on this connection have met, by the number of the command. */
  const met = new Map<number, Fault>();
  /** The commands that were not answered yet, by their numbers. */
  const asked = new Map<number, readonly string[]>();
  const waiting: Buffer[] = [];
  let sent = 0;
  let answered = 0;
  let serverSpoke = true;
  let serverEnded = false;
  let isDropping = false;
  let isHolding = false;
  let hasHungUp = false;
  let isForgotten = false;

  const onRequest = (chunk: Buffer): void => {
    traffic.bytesToServer += chunk.length;
    if (serverSpoke) traffic.roundTrips += 1;
    serverSpoke = false;
    const frames = requests.read(chunk);
    const passing = requests.isResp ? frames.filter(mayPass) : frames;
    if (passing.length > 0) server.write(Buffer.concat(passing));
    answerIfDue();
    hangUpIfDue();
  };

  const mayPass = (command: Buffer): boolean => {
    if (isDropping) return false;
    const decoded = decodeReply(command);
    const args = Array.isArray(decoded) ? decoded.map(String) : [];
    const name = args[0]?.toUpperCase() ?? "";
    traffic.commands[name] = (traffic.commands[name] ?? 0) + 1;
    for (const listener of faults.commandListeners) listener(args);
    const fault = takeFault(faults, args);
    if (fault !== undefined) met.set(sent, fault);
    isDropping = fault?.strike === "drop command";
    if (!isDropping) asked.set(sent, args);
    if (!isDropping) sent += 1;
    return !isDropping && fault?.strike !== "answer";
  };

  /** Before a command that is dropped, the replies to all earlier ones go out. */
  const hangUpIfDue = (): void => {
    const fault = met.get(answered);
    if (fault?.strike === "drop command") hangUp(fault);
  };

  const onReply = (chunk: Buffer): void => {
    traffic.bytesToClient += chunk.length;
    serverSpoke = true;
    waiting.push(...replies.read(chunk));
    deliver();
  };

  const deliver = (): void => {
    if (isForgotten) return;
    client.cork();
    answerIfDue();
    const goesOn = (): boolean => waiting.length > 0 && !isHolding && !hasHungUp;
    while (goesOn()) {
      const reply = waiting.shift() ?? Buffer.alloc(0);
      if (!replies.isResp || reply[0] === PUSH) {
        toClient.write(reply);
        continue;
      }
      const fault = met.get(answered);
      met.delete(answered);
      if (fault?.strike === "hold reply") {
        waiting.unshift(reply);
        void hold(fault);
      } else if (fault !== undefined) {
        const half = reply.subarray(0, Math.floor(reply.length / 2));
        if (fault.strike === "cut reply") toClient.write(half);
        hangUp(fault);
      } else {
        toClient.write(reply);
        tell(reply);
        answered += 1;
        traffic.replies += 1;
        answerIfDue();
        hangUpIfDue();
      }
    }
    client.uncork();
    if (serverEnded && waiting.length === 0) {
      toClient.write(replies.rest());
      toClient.end();
    }
  };

  /** What the proxy answers itself goes out after the replies to all earlier commands. */
  const answerIfDue = (): void => {
    let fault = isForgotten ? undefined : met.get(answered);
    while (fault?.strike === "answer") {
      met.delete(answered);
      toClient.write(fault.reply);
      tell(fault.reply);
      answered += 1;
      fault.struck();
      fault = met.get(answered);
    }
  };

  const tell = (reply: Buffer): void => {
    const args = asked.get(answered) ?? [];
    asked.delete(answered);
    for (const listener of faults.replyListeners) listener(args, reply);
  };

  const hold = async (fault: Fault): Promise<void> => {
    isHolding = true;
    fault.struck();
    await fault.released;
    isHolding = false;
    deliver();
  };

  /** Lets the client have what is on its way to it, and no more. */
  const hangUp = (fault: Fault): void => {
    hasHungUp = true;
    isDropping = true;
    server.destroy();
    toClient.end();
    fault.struck();
  };

  const cut = (): void => {
    client.destroy();
    server.destroy();
  };

  const obeySilence = (): void => {
    for (const socket of [client, server]) {
      if (faults.silent || isForgotten) socket.pause();
      else socket.resume();
    }
  };

  const forget = (): void => {
    isForgotten = true;
    obeySilence();
  };

  client.setNoDelay(true).on("data", onRequest).on("error", cut);
  client.once("end", () => server.end(requests.rest()));
  client.once("close", () => server.destroy());
  server
    .setNoDelay(true)
    .on("data", onReply)
    .on("error", () => {
      if (!isForgotten) cut();
    });
  server.once("end", () => {
    serverEnded = true;
    deliver();
  });
  obeySilence();
  return { cut, obeySilence, forget };
}

/** Takes a connection and leaves it alone: nothing is read, nothing answered, and its end is not seen. */
export function ignore(client: Socket): ProxyConnection {
  client.pause().on("error", () => {});
  return { cut: () => client.destroy(), obeySilence: () => {}, forget: () => {} };
}
