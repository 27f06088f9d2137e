import fc from "fast-check";
import { expect, it } from "vitest";
import { ZooKeeper } from "../src/index.js";
import { SimulatedPlatform, type SimulatedWire } from "./simulated-platform.js";

/** A server that says what it is told to. */
class Liar {
  readonly wires: SimulatedWire[] = [];
  readonly platform = new SimulatedPlatform(1, (_, wire) => {
    this.wires.push(wire);
    let frames = 0;
    return {
      received: () => {
        // The first frame is a ConnectRequest.
        if (frames++ === 0) wire.send(CONNECTED.slice());
      },
      closed: () => undefined,
    };
  });
}

/** ConnectResponse{0, 30000, session 1, 16 zeros, false} */
const CONNECTED = hex(`00000025 00000000 00007530 0000000000000001 00000010 ${"00".repeat(16)} 00`);

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

it("bytes that no server would send cost the connection at most: every operation settles, and the client comes back", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // A frame with a header of a known xid, and anything behind it.
    fc
      .tuple(
        fc.constantFrom(1, 2, 3, -1, -2, -4, -8, 0, 77),
        fc.constantFrom(0, 0, 0, -101, -112, -115, 5),
        fc.uint8Array({ maxLength: 100 }),
      )
      .map(([xid, err, rest]) => {
        const frame = new Uint8Array(20 + rest.length);
        const view = new DataView(frame.buffer);
        view.setInt32(0, 16 + rest.length);
        view.setInt32(4, xid);
        view.setInt32(12, 9);
        view.setInt32(16, err);
        frame.set(rest, 20);
        return frame;
      }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 6 }), async (answers) => {
      const liar = new Liar();
      const zk = new ZooKeeper("a", { operationTimeoutMs: 2_000, replyMaxBytes: 5_000 }, liar.platform);
      await liar.platform.run(10);
      let settled = 0;
      const operations = [
        zk.getData("/a", { watch: () => undefined }),
        zk.getChildrenWithStat("/a"),
        zk.setData("/a", "1"),
        zk.getACL("/a"),
        zk.whoAmI(),
      ];
      for (const operation of operations) void operation.catch(() => undefined).finally(() => settled++);
      await liar.platform.run(5);
      for (const answer of answers) liar.wires.at(-1)?.send(answer);
      await liar.platform.run(10_000);
      expect(settled).toBe(operations.length);
      if (zk.state !== "authFailed") {
        await liar.platform.run(60_000);
        expect(["connected", "disconnected"]).toContain(zk.state);
      }
      const closed = zk.close();
      await liar.platform.run(60_000);
      await closed;
    }),
    { numRuns: 1_000 },
  );
});

it("a reply to nobody's request ends the connection, and a read is asked again on the next one", async () => {
  const liar = new Liar();
  const zk = new ZooKeeper("a", {}, liar.platform);
  await liar.platform.run(10);
  const read = zk.exists("/a");
  await liar.platform.run(5);
  liar.wires[0].send(hex("00000010 00000009 0000000000000001 00000000"));
  await liar.platform.run(1_000);
  expect(liar.wires.length).toBe(2);
  // The answer to xid 2 on the second connection: NoNode.
  liar.wires[1].send(hex("00000010 00000002 0000000000000001 ffffff9b"));
  await liar.platform.run(5);
  expect(await read).toBe(null);
});
