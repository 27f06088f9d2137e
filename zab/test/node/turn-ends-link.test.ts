import { afterEach, expect, test } from "vitest";
import type { Link, LinkHandler, Log } from "../../src/core/index.js";
import { LinkServer, TcpDialer, TcpLinks } from "../../src/node/index.js";

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server whose turns begin with `onTurn`, and one link to it. */
async function linked(onTurn: () => void, owned: (link: Link) => LinkHandler): Promise<Link> {
  const links = new TcpLinks(onTurn);
  cleanups.push(() => links.close());
  const options = {
    name: "port",
    addresses: [{ host: "127.0.0.1", port: 0 }],
    listenOnAllIps: false,
    bindAttempts: 1,
    upgrade: null,
    upgradeTimeoutMs: 0,
    upgradesMax: 0,
  };
  const server = new LinkServer(options, links, SILENT, owned);
  await server.listen();
  cleanups.push(() => server.close());
  const callers = new TcpLinks(() => setImmediate(() => callers.flush()));
  cleanups.push(() => callers.close());
  const dialer = new TcpDialer(callers);
  return new Promise((resolve, reject) => {
    const quiet: LinkHandler = { received() {}, drained() {}, closed() {} };
    dialer.dial(
      [{ host: "127.0.0.1", port: server.ports[0] }],
      5000,
      (link) => {
        resolve(link);
        return quiet;
      },
      reject,
    );
  });
}

test.each(["bytes", "the end"] as const)(
  "a link that is closed when its turn begins, as by a server that stood still, hears nothing of %s",
  async (what) => {
    const heard: string[] = [];
    let accepted: Link | null = null;
    let closes = false;
    let turned: () => void = () => {};
    const turns = new Promise<void>((resolve) => {
      turned = resolve;
    });
    const caller = await linked(
      () => {
        if (!closes) return;
        accepted!.close("now");
        turned();
      },
      (link) => {
        accepted = link;
        return {
          received: () => heard.push("received"),
          drained: () => heard.push("drained"),
          closed: () => heard.push("closed"),
        };
      },
    );
    while (accepted === null) await new Promise((resolve) => setImmediate(resolve));
    closes = true;
    if (what === "bytes") {
      caller.out.int(1);
      caller.touch();
    } else {
      caller.close("now");
    }
    await turns;
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual([]);
  },
);
