import { connect, type Socket } from "node:net";
import type { Dialer, HostPort, Link, LinkHandler } from "../core/index.js";
import { HostLookup } from "./host-lookup.js";
import type { SocketUpgrade } from "./socket-upgrade.js";
import type { TcpLinks } from "./tcp-links.js";

/** How long a name lookup is waited for when an earlier one of the same name has found something. */
const PATIENCE_WITH_LOOKUP_MS = 100;

/** Connects to other servers: to all their addresses at once, and the first that answers is taken. */
export class TcpDialer implements Dialer {
  /** @param upgrade - TLS or SASL, or null for plain connections */
  constructor(
    private readonly links: TcpLinks,
    private readonly upgrade: SocketUpgrade | null = null,
    private readonly hosts: HostLookup = new HostLookup(),
  ) {}

  dial(
    addresses: readonly HostPort[],
    timeoutMs: number,
    connected: (link: Link) => LinkHandler,
    failed: (reason: string) => void,
  ): () => void {
    const attempt = new Attempt(this.links, this.upgrade, this.hosts, connected, failed);
    attempt.start(addresses, timeoutMs);
    return () => attempt.stop();
  }
}

/** One call of {@link TcpDialer.dial}. */
class Attempt {
  private readonly sockets = new Set<Socket>();
  private readonly reasons: string[] = [];
  private timer: NodeJS.Timeout | null = null;
  /** Addresses of which nothing is known yet. */
  private pending = 0;
  private isOver = false;

  constructor(
    private readonly links: TcpLinks,
    private readonly upgrade: SocketUpgrade | null,
    private readonly hosts: HostLookup,
    private readonly connected: (link: Link) => LinkHandler,
    private readonly failed: (reason: string) => void,
  ) {}

  start(addresses: readonly HostPort[], timeoutMs: number): void {
    this.timer = setTimeout(() => this.end(`no answer within ${timeoutMs} ms`), timeoutMs);
    this.pending = addresses.length;
    for (const address of addresses) {
      this.hostsOf(address.host).then(
        (hosts) => this.connectTo(hosts, address.port),
        (error: NodeJS.ErrnoException) => this.lost(`${address.host}: ${error.code ?? error.message}`),
      );
    }
  }

  stop(): void {
    this.isOver = true;
    if (this.timer !== null) clearTimeout(this.timer);
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  /** What the name stands for now, or what it stood for last if the lookup takes long or fails. */
  private hostsOf(host: string): Promise<readonly string[]> {
    const lastKnown = this.hosts.lastKnown(host);
    const found = this.hosts.find(host);
    if (lastKnown.length === 0) return found;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(lastKnown), PATIENCE_WITH_LOOKUP_MS);
      found.then(resolve, () => resolve(lastKnown)).finally(() => clearTimeout(timer));
    });
  }

  private connectTo(hosts: readonly string[], port: number): void {
    this.pending += hosts.length - 1;
    if (this.isOver) return;
    if (hosts.length === 0) this.lost("the name has no address");
    for (const host of hosts) {
      const socket = connect({ host, port, noDelay: true });
      this.sockets.add(socket);
      socket.once("connect", () => this.reached(socket, `${host}:${port}`));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        if (this.sockets.delete(socket)) this.lost(`${host}:${port}: ${error.code ?? error.message}`);
      });
    }
  }

  private reached(socket: Socket, address: string): void {
    if (this.isOver) return;
    if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
      // Nobody listens on a port that the system has just given to this very socket: it has reached itself.
      socket.destroy(Object.assign(new Error("it has connected to itself"), { code: "ECONNREFUSED" }));
      return;
    }
    if (this.upgrade === null) {
      this.won(socket, socket);
      return;
    }
    this.upgrade(socket, "connecting").then(
      (upgraded) => this.won(socket, upgraded),
      (error: Error) => {
        socket.destroy();
        if (this.sockets.delete(socket)) this.lost(`${address}: ${error.message}`);
      },
    );
  }

  private won(socket: Socket, upgraded: Socket): void {
    // A turn begins with the time, and what that ends may have given this attempt up.
    this.links.beginTurn();
    if (this.isOver) {
      upgraded.destroy();
      return;
    }
    this.sockets.delete(socket);
    this.stop();
    this.links.attach(upgraded, this.connected);
  }

  private lost(reason: string): void {
    this.reasons.push(reason);
    this.pending--;
    if (this.pending <= 0) this.end(this.reasons.join(", "));
  }

  private end(reason: string): void {
    if (this.isOver) return;
    this.links.beginTurn();
    if (this.isOver) return;
    this.stop();
    this.failed(reason);
  }
}
