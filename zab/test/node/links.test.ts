import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  defaultElectionOptions,
  type Elected,
  Election,
  type Link,
  type LinkHandler,
  type Log,
  type Member,
  type QuorumVerifier,
  verifierOf,
} from "../../src/core/index.js";
import { HostLookup, LinkServer, type LinkServerOptions, TcpDialer, TcpLinks } from "../../src/node/index.js";

const HOST = "127.0.0.1";
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Links whose turns end with the phase of the event loop, as a server's do. */
function turningLinks(onTurn: () => void = () => {}): TcpLinks {
  let isTurning = false;
  const links = new TcpLinks(() => {
    onTurn();
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

/** Keeps what comes. */
class Recorder implements LinkHandler {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  drains = 0;
  closedBy: string | null = null;
  link: Link | null = null;

  readonly own = (link: Link): LinkHandler => {
    this.link = link;
    return this;
  };

  received(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice());
    this.bytes += bytes.length;
  }

  drained(): void {
    this.drains++;
  }

  closed(reason: string): void {
    this.closedBy = reason;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

async function serve(
  links: TcpLinks,
  accepted: (link: Link) => LinkHandler,
  options: Partial<LinkServerOptions> = {},
): Promise<LinkServer> {
  const server = new LinkServer(
    {
      name: "test port",
      addresses: [{ host: HOST, port: 0 }],
      listenOnAllIps: false,
      bindAttempts: 1,
      upgrade: null,
      upgradeTimeoutMs: 1000,
      upgradesMax: 10,
      ...options,
    },
    links,
    SILENT,
    accepted,
  );
  cleanups.push(() => server.close());
  await server.listen();
  return server;
}

function write(link: Link, text: string): void {
  const bytes = Buffer.from(text);
  link.out.raw(bytes, 0, bytes.length);
  link.touch();
}

async function socketTo(port: number): Promise<Socket> {
  const socket = connect(port, HOST);
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function plainServer(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer(onSocket);
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

/** A port that nobody listens on. */
async function deafPort(): Promise<number> {
  const { server, port } = await plainServer(() => {});
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a link", () => {
  it("sends what a turn has written in one piece, and hears plain bytes", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const near = new Recorder();
    new TcpDialer(links).dial(
      [{ host: HOST, port: server.ports[0] }],
      1000,
      (link) => {
        write(link, "one ");
        write(link, "two ");
        write(link, "three");
        return near.own(link);
      },
      (reason) => expect.unreachable(reason),
    );
    await until(() => far.bytes > 0);
    expect(far.chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual(["one two three"]);
    expect(far.link!.remoteAddress).toBe(HOST);
    expect(Buffer.isBuffer(far.chunks[0])).toBe(false);
    links.beginTurn();
    write(far.link!, "back");
    await until(() => near.bytes > 0);
    expect(near.text).toBe("back");
  });

  it("tells how much the other side has not read, and when it has", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const socket = await socketTo(server.ports[0]);
    socket.pause();
    await until(() => far.link !== null);
    const megabytes = 64;
    for (let i = 0; i < megabytes; i++) {
      links.beginTurn();
      write(far.link!, "x".repeat(1 << 20));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(far.link!.unsentBytes).toBeGreaterThan(1 << 20);
    const drainsBefore = far.drains;
    let bytes = 0;
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    socket.resume();
    await until(() => far.link!.unsentBytes === 0 && bytes === megabytes << 20);
    expect(far.drains).toBeGreaterThan(drainsBefore);
  });

  it("that is closed after it has sent sends everything, and its handler hears no more", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const socket = await socketTo(server.ports[0]);
    let text = "";
    let isEnded = false;
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => {
      isEnded = true;
    });
    await until(() => far.link !== null);
    write(far.link!, "last words");
    far.link!.close("sent");
    socket.write("what?");
    await until(() => isEnded);
    expect(text).toBe("last words");
    expect(far.bytes).toBe(0);
    expect(far.closedBy).toBeNull();
    expect(links.size).toBe(0);
  });

  it("that the other side ends is told so at once", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const socket = await socketTo(server.ports[0]);
    await until(() => far.link !== null);
    socket.end();
    await until(() => far.closedBy !== null);
    expect(far.closedBy).toBe("the other side has hung up");
    const again = new Recorder();
    const other = await serve(links, again.own);
    const reset = await socketTo(other.ports[0]);
    await until(() => again.link !== null);
    reset.resetAndDestroy();
    await until(() => again.closedBy !== null);
    expect(again.closedBy).toBe("ECONNRESET");
    expect(links.size).toBe(0);
  });

  it("may be closed by its owner before it has a handler", async () => {
    const links = turningLinks();
    let handled = 0;
    const server = await serve(links, (link) => {
      link.close("now");
      return { received: () => handled++, drained: () => handled++, closed: () => handled++ };
    });
    const socket = await socketTo(server.ports[0]);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(handled).toBe(0);
    expect(links.size).toBe(0);
  });
});

describe("dialing", () => {
  function dialing(
    links: TcpLinks,
    addresses: Array<{ host: string; port: number }>,
    hosts?: HostLookup,
    timeoutMs = 2000,
  ) {
    const near = new Recorder();
    let failure: string | null = null;
    const stop = new TcpDialer(links, null, hosts).dial(addresses, timeoutMs, near.own, (reason) => {
      failure = reason;
    });
    return { near, stop, failure: () => failure };
  }

  it("fails with the reason of every address when nobody listens", async () => {
    const port = await deafPort();
    const attempt = dialing(turningLinks(), [
      { host: HOST, port },
      { host: "127.0.0.2", port },
    ]);
    await until(() => attempt.failure() !== null);
    expect(attempt.failure()).toContain(`${HOST}:${port}: ECONNREFUSED`);
    expect(attempt.failure()).toContain(`127.0.0.2:${port}: ECONNREFUSED`);
  });

  it("takes the address that answers, of several", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const attempt = dialing(links, [
      { host: HOST, port: await deafPort() },
      { host: "no-such-host.invalid", port: 1 },
      { host: HOST, port: server.ports[0] },
    ]);
    await until(() => attempt.near.link !== null && far.link !== null);
    expect(attempt.failure()).toBeNull();
    expect(links.size).toBe(2);
  });

  it("fails when a name can't be resolved, and tells the code", async () => {
    const hosts = new HostLookup(() => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })));
    const attempt = dialing(turningLinks(), [{ host: "nowhere", port: 1 }], hosts);
    await until(() => attempt.failure() !== null);
    expect(attempt.failure()).toBe("nowhere: ENOTFOUND");
  });

  it("does not wait for a name that hangs: it fails in time, or takes what the name stood for", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const hanging = new HostLookup(() => new Promise(() => {}));
    const lost = dialing(links, [{ host: "hangs", port: 1 }], hanging, 50);
    await until(() => lost.failure() !== null);
    expect(lost.failure()).toBe("no answer within 50 ms");

    let calls = 0;
    const known = new HostLookup(() => (calls++ === 0 ? Promise.resolve([HOST]) : new Promise(() => {})));
    await known.find("sometimes");
    const attempt = dialing(links, [{ host: "sometimes", port: server.ports[0] }], known, 5000);
    await until(() => attempt.near.link !== null);
    expect(calls).toBe(2);
  });

  it("that is stopped calls nobody", async () => {
    const links = turningLinks();
    const far = new Recorder();
    const server = await serve(links, far.own);
    const attempt = dialing(links, [{ host: HOST, port: server.ports[0] }]);
    attempt.stop();
    const other = dialing(links, [{ host: HOST, port: server.ports[0] }]);
    await until(() => other.near.link !== null);
    expect(attempt.near.link).toBeNull();
    expect(attempt.failure()).toBeNull();
  });

  it("asks for a name once at a time, and for two names at most", async () => {
    let active = 0;
    let most = 0;
    const asked: string[] = [];
    const hosts = new HostLookup(async (host) => {
      asked.push(host);
      most = Math.max(most, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active--;
      return [`10.0.0.${asked.length}`];
    });
    const found = await Promise.all(["a", "b", "c", "a", "b", "c", "10.9.9.9"].map((host) => hosts.find(host)));
    expect(asked).toEqual(["a", "b", "c"]);
    expect(most).toBe(2);
    expect(found[0]).toBe(found[3]);
    expect(found[6]).toEqual(["10.9.9.9"]);
  });
});

describe("a port", () => {
  it("that is taken is tried again, and given up after the attempts it has", async () => {
    const { port } = await plainServer(() => {});
    const links = turningLinks();
    const address = { host: HOST, port };
    await expect(serve(links, new Recorder().own, { addresses: [address] })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });

  it("listens on several addresses, and on those only that can be bound", async () => {
    const { port } = await plainServer(() => {});
    const far = new Recorder();
    const links = turningLinks();
    const addresses = [
      { host: HOST, port },
      { host: "127.0.0.2", port: 0 },
    ];
    const server = await serve(links, far.own, { addresses });
    expect(server.ports.length).toBe(1);
    connect(server.ports[0], "127.0.0.2").on("error", () => {});
    await until(() => far.link !== null);
  });

  it("listens on all addresses of the machine if it should", async () => {
    const far = new Recorder();
    const server = await serve(turningLinks(), far.own, {
      listenOnAllIps: true,
      addresses: [{ host: "no-such-host.invalid", port: 0 }],
    });
    connect(server.ports[0], "127.0.0.3").on("error", () => {});
    await until(() => far.link !== null);
    expect(server.ports.length).toBe(1);
  });

  it("whose name can't be resolved goes on trying, and closing ends that", async () => {
    const warnings: string[] = [];
    const server = new LinkServer(
      {
        name: "test port",
        addresses: [{ host: "no-such-host.invalid", port: 0 }],
        listenOnAllIps: false,
        bindAttempts: 1,
        upgrade: null,
        upgradeTimeoutMs: 1000,
        upgradesMax: 10,
      },
      turningLinks(),
      { ...SILENT, warn: (_, message) => void warnings.push(message) },
      new Recorder().own,
    );
    const listening = server.listen();
    await until(() => warnings.length > 0);
    server.close();
    await listening;
    expect(warnings[0]).toContain("trying again");
    expect(server.ports).toEqual([]);
  });

  it("upgrades connections before they are links, and drops what takes too long or too many", async () => {
    const links = turningLinks();
    const far: Recorder[] = [];
    const server = await serve(
      links,
      (link) => {
        far.push(new Recorder());
        return far[far.length - 1].own(link);
      },
      {
        upgradesMax: 3,
        upgradeTimeoutMs: 100,
        upgrade: (socket) =>
          new Promise((resolve, reject) => {
            socket.once("data", (chunk: Buffer) => {
              socket.pause();
              if (chunk.toString() === "open") resolve(socket);
              else reject(new Error("wrong word"));
            });
          }),
      },
    );
    const port = server.ports[0];
    const silent = await Promise.all([1, 2, 3, 4, 5].map(() => socketTo(port)));
    for (const socket of silent) socket.resume();
    const closed = silent.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    const wrong = await socketTo(port);
    const wrongClosed = new Promise((resolve) => wrong.once("close", resolve));
    wrong.resume().write("shut");
    const right = await socketTo(port);
    right.write("open");
    await until(() => far.length === 1);
    right.write("hello");
    await until(() => far[0].text === "hello");
    await Promise.all([...closed, wrongClosed]);
    expect(far.length).toBe(1);
  });
});

/** The election ports of an ensemble in this process, over real sockets. */
class Voter {
  result: Elected | null = null;
  readonly election: Election;
  readonly links: TcpLinks;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    readonly sid: number,
    verifier: QuorumVerifier,
  ) {
    this.links = turningLinks(() => this.turn());
    this.election = new Election(
      defaultElectionOptions(sid),
      verifier,
      new TcpDialer(this.links),
      { int32: () => Math.floor(Math.random() * 0x7fffffff) },
      SILENT,
      {
        elected: (result) => {
          this.result = result;
        },
        newerConfig() {},
        looking() {},
      },
    );
    cleanups.push(() => {
      this.election.stop();
      if (this.timer !== null) clearTimeout(this.timer);
    });
  }

  look(): void {
    this.links.beginTurn();
    this.result = null;
    this.election.look({ zxid: 0, epoch: 0, canVote: true });
  }

  private turn(): void {
    this.election.clock(performance.now());
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.links.beginTurn();
      this.election.tick();
    }, 5);
  }
}

describe("an ensemble over sockets", () => {
  it("elects, and 5,000 silent connections to a port change nothing", async () => {
    const relays = await Promise.all([1, 2, 3].map(() => deafPort()));
    const members = relays.map(
      (port, i): Member => ({
        sid: i + 1,
        quorumAddresses: [{ host: HOST, port: 1 }],
        electionAddresses: [{ host: HOST, port }],
        clientAddress: null,
        type: "participant",
      }),
    );
    const verifier = verifierOf({ version: 0, members, groups: new Map(), weights: new Map() });
    const voters = [1, 2, 3].map((sid) => new Voter(sid, verifier));
    for (const [i, voter] of voters.entries()) {
      await serve(voter.links, (link) => voter.election.accepted(link), {
        addresses: [{ host: HOST, port: relays[i] }],
      });
    }
    for (const voter of voters) voter.look();
    await until(() => voters.every((voter) => voter.result?.leader === 3));

    const sockets: Socket[] = [];
    let isOver = false;
    const flood = (async () => {
      for (let i = 0; i < 5000 && !isOver; i++) {
        const socket = connect(relays[i % 3], HOST);
        socket.on("error", () => {});
        sockets.push(socket);
        if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    // Elections go on and on meanwhile, with a server that was cut off in each.
    for (let round = 0; round < 10; round++) {
      for (const voter of voters) voter.look();
      await until(() => voters.every((voter) => voter.result?.leader === 3));
    }
    await flood;
    expect(sockets.length).toBe(5000);
    for (const voter of voters) voter.look();
    await until(() => voters.every((voter) => voter.result?.leader === 3));
    for (const voter of voters) {
      for (const other of voters) {
        if (other !== voter) expect(voter.election.isConnected(other.sid)).toBe(true);
      }
      // What is kept of the silent ones is bounded.
      expect(voter.links.size).toBeLessThan(300);
    }
    isOver = true;
    for (const socket of sockets) socket.destroy();
  });
});
