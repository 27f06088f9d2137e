import { afterEach, describe, expect, it } from "vitest";
import type { Link, LinkHandler, Log } from "../../src/core/index.js";
import { LinkServer, TcpDialer, TcpLinks } from "../../src/node/index.js";

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function turningLinks(): TcpLinks {
  let isTurning = false;
  const links: TcpLinks = new TcpLinks(() => {
    if (isTurning) return;
    isTurning = true;
    setImmediate(() => {
      isTurning = false;
      links.flush();
    });
  });
  cleanups.push(() => links.close());
  return links;
}

describe("a link that much is written to", () => {
  it.each([70_000, 1 << 20, 8 << 20])(
    "tells its owner when it was taken, also if the kernel takes all at once (%i bytes at a time)",
    async (size) => {
      const links = turningLinks();
      let sent = 0;
      const piece = new Uint8Array(size);
      const done = new Promise<void>((resolve) => {
        // Writes the next piece only when it is told that the last one is gone, as a snapshot is sent.
        const sender = (link: Link): LinkHandler => {
          const write = (): void => {
            link.out.raw(piece, 0, piece.length);
            link.touch();
            sent++;
          };
          write();
          return {
            received: () => {},
            closed: () => {},
            drained: () => {
              if (link.unsentBytes > 0) return;
              if (sent < 5) write();
              else resolve();
            },
          };
        };
        const options = {
          name: "port",
          addresses: [{ host: "127.0.0.1", port: 0 }],
          listenOnAllIps: false,
          bindAttempts: 1,
          upgrade: null,
          upgradeTimeoutMs: 0,
          upgradesMax: 0,
        };
        const server = new LinkServer(options, links, SILENT, sender);
        cleanups.push(() => server.close());
        void server.listen().then(() => {
          const reader: LinkHandler = { received: () => {}, drained: () => {}, closed: () => {} };
          const dialer = new TcpDialer(links);
          const addresses = [{ host: "127.0.0.1", port: server.ports[0] }];
          dialer.dial(
            addresses,
            5000,
            () => reader,
            (reason) => expect.fail(reason),
          );
        });
      });
      await done;
      expect(sent).toBe(5);
    },
  );
});
