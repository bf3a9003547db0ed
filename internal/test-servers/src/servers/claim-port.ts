import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { hasCode } from "../process/has-code.ts";

/** A loopback port that no other claim in any process of this machine has, until it is given back. */
export interface PortClaim {
  readonly port: number;
  release(): void;
}

// A cluster node also listens on its port + 10000, which must stay below Linux's ephemeral ports (32768).
const FIRST_PORT = 20_000;
const PORTS = 2700;
const BUS_OFFSET = 10_000;

/**
 * Finds a port that is free, together with its port + 10000.
 *
 * The claim is the UDP port of the same number, held open by this process. The servers speak TCP only, so
 * it is not in their way; the kernel gives it to one process alone, keeps it while a test has its server
 * killed and restarted, and takes it back however this process ends.
 */
export async function claimPort(): Promise<PortClaim> {
  for (let tries = 0; tries < PORTS; tries++) {
    const port = FIRST_PORT + randomInt(PORTS);
    const claim = await holdUdp(port);
    if (claim === undefined) continue;
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) {
      return { port, release: () => claim.close() };
    }
    claim.close();
  }
  throw new Error(`No port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free on 127.0.0.1`);
}

async function holdUdp(port: number): Promise<Socket | undefined> {
  const socket = createSocket("udp4");
  try {
    socket.bind({ address: "127.0.0.1", port, exclusive: true });
    await once(socket, "listening");
  } catch (error) {
    socket.close();
    if (isTaken(error)) return undefined;
    throw error;
  }
  return socket.unref();
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: "127.0.0.1", port, exclusive: true });
    await once(server, "listening");
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}

function isTaken(error: unknown): boolean {
  return hasCode(error, "EADDRINUSE", "EACCES");
}
