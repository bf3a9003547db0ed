import type { Socket } from "node:net";
import { startStandalone } from "@kv/test-servers";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";

/** A client library, and the version of it that is installed. */
export interface InstalledLibrary {
  readonly name: string;
  readonly version: string;
  readonly library: ClientLibrary;
}

/**
 * The parts of the client libraries that `@kv/resp` uses though no page of theirs documents them. A new version may change any
 * of them: then one of these tests fails, and says which version and which file.
 */
export async function testClientInternals(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  installed: readonly InstalledLibrary[],
): Promise<void> {
  const server = await startStandalone({ kind });
  afterAll(() => server.stop());
  const target = { topology: "standalone", ports: [server.port] } as const;

  describe.each(installed)("undocumented parts of $name $version", ({ name, version, library }) => {
    const changed = (what: string, file: string): string =>
      `${name} ${version} ${what}: adapt packages/resp/src/ioredis/${file} to it.`;

    test("a command that sendCommand is given is written by its toWritable", async () => {
      const client = makeClient(library, target);
      const store = open({ client, closeClient: true, namespace: crypto.randomUUID() });
      onTestFinished(() => store.close());
      await store.set("key", "short");
      const write = vi.spyOn((client as unknown as { readonly stream: Socket }).stream, "write");
      const long = "x".repeat(100_000);
      await store.set("key", long);
      const chunks = write.mock.calls.map(([chunk]) => chunk);
      expect(
        chunks,
        changed("does not write a command as its toWritable(socket) says", "chunked-writes.ts"),
      ).toContain(long);
    });

    test("a client has the commands that are not answered, its subscriptions and its socket", async () => {
      const client = makeClient(library, target);
      onTestFinished(() => client.disconnect());
      await client.connect();
      expect(client, changed("has no commandQueue, condition or stream", "transport.ts")).toMatchObject({
        commandQueue: { length: 0, peekAt: expect.any(Function) },
        condition: { subscriber: false },
        stream: { bytesRead: expect.any(Number), writable: true },
      });
    });

    test("a cluster has its start nodes, and the pool that makes the clients to its nodes", async () => {
      const client = makeClient(library, { topology: "cluster", ports: [server.port] });
      onTestFinished(() => client.disconnect());
      expect(
        client,
        changed("makes the clients to a cluster's nodes in another way", "cluster.ts"),
      ).toMatchObject({
        startupNodes: [{ host: "127.0.0.1", port: server.port }],
        resolveStartupNodeHostnames: expect.any(Function),
        connectionPool: { findOrCreate: expect.any(Function), getNodes: expect.any(Function) },
      });
    });
  });
}
