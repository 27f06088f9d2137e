import { createServer, type Server, type Socket } from "node:net";
import type { HostPort, Link, LinkHandler, Log } from "../core/index.js";
import type { SocketUpgrade } from "./socket-upgrade.js";
import type { TcpLinks } from "./tcp-links.js";

export interface LinkServerOptions {
  /** For log lines: "election port", "quorum port". */
  readonly name: string;
  /** This server's own addresses. */
  readonly addresses: readonly HostPort[];
  /** `quorumListenOnAllIPs`: the ports of the addresses, on all interfaces. */
  readonly listenOnAllIps: boolean;
  /** `electionPortBindRetry`: how often binding is tried, a second apart; 0 for without end. */
  readonly bindAttempts: number;
  /** TLS or SASL, or null. */
  readonly upgrade: SocketUpgrade | null;
  /** How long {@link upgrade} may take. */
  readonly upgradeTimeoutMs: number;
  /** Connections that are in {@link upgrade}; above, the one that is oldest goes. */
  readonly upgradesMax: number;
}

const BIND_PAUSE_MS = 1000;

/** Errors of a name that can't be resolved now. They pass: the listener waits for as long as they last. */
const NAME_ERRORS = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_NONAME"]);

/** One port of the ensemble, on one or several addresses. Accepting never waits for anybody. */
export class LinkServer {
  private readonly servers: Server[] = [];
  /** Connections that are not links yet, oldest first. */
  private readonly upgrading = new Set<Socket>();
  private isClosed = false;
  private wakeUps = new Set<() => void>();

  constructor(
    private readonly options: LinkServerOptions,
    private readonly links: TcpLinks,
    private readonly log: Log,
    private readonly accepted: (link: Link) => LinkHandler,
  ) {}

  /** The ports that are bound. */
  get ports(): number[] {
    return this.servers.map((server) => {
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : -1;
    });
  }

  /**
   * Binds all addresses.
   * @throws Error with `code` EADDRINUSE, EACCES, EADDRNOTAVAIL, … when not even one of them can be bound
   */
  async listen(): Promise<void> {
    const { addresses, listenOnAllIps } = this.options;
    const ports = [...new Set(addresses.map(({ port }) => port))];
    const wanted = listenOnAllIps ? ports.map((port) => ({ host: null, port })) : addresses;
    const results = await Promise.allSettled(wanted.map(({ host, port }) => this.bind(host, port)));
    const failures = results.filter((result) => result.status === "rejected");
    if (failures.length > 0 && failures.length === results.length) throw failures[0].reason;
  }

  /** Binds no more and takes no more connections. Links that exist stay. */
  close(): void {
    this.isClosed = true;
    for (const wakeUp of this.wakeUps) wakeUp();
    for (const socket of this.upgrading) socket.destroy();
    for (const server of this.servers) server.close();
  }

  private async bind(host: string | null, port: number): Promise<void> {
    const { name, bindAttempts } = this.options;
    for (let attempt = 1; !this.isClosed; attempt++) {
      try {
        await this.bindOnce(host, port);
        return;
      } catch (error) {
        const { code = "", message } = error as NodeJS.ErrnoException;
        const isLast = bindAttempts > 0 && attempt >= bindAttempts && !NAME_ERRORS.has(code);
        const problem = `${name} ${host ?? "*"}:${port} can't be bound: ${message}`;
        if (isLast) {
          this.log.error({ code, attempt }, problem);
          throw error;
        }
        this.log.warn({ code, attempt }, `${problem}; trying again in ${BIND_PAUSE_MS} ms`);
        await this.pause(BIND_PAUSE_MS);
      }
    }
  }

  private bindOnce(host: string | null, port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      this.accept(socket),
    );
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(host === null ? { port } : { host, port }, () => {
        server.off("error", reject);
        // Later errors concern one accept only (EMFILE): that server tries again, and the port goes on listening.
        server.on("error", (error) =>
          this.log.warn({ err: error }, `${this.options.name}: a connection was not accepted`),
        );
        if (this.isClosed) {
          server.close();
          resolve();
          return;
        }
        this.servers.push(server);
        resolve();
      });
    });
  }

  private pause(timeMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wakeUps.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeMs);
      this.wakeUps.add(done);
    });
  }

  private accept(socket: Socket): void {
    const { upgrade, upgradeTimeoutMs, upgradesMax } = this.options;
    if (upgrade === null) {
      this.links.attach(socket, this.accepted);
      return;
    }
    if (this.upgrading.size >= upgradesMax) {
      for (const oldest of this.upgrading) {
        oldest.destroy();
        break;
      }
    }
    this.upgrading.add(socket);
    socket.on("error", ignore);
    socket.on("close", () => this.upgrading.delete(socket));
    const timer = setTimeout(() => socket.destroy(), upgradeTimeoutMs);
    upgrade(socket, "accepting")
      .then(
        (upgraded) => this.links.attach(upgraded, this.accepted),
        (error: Error) => {
          this.log.debug({ address: socket.remoteAddress }, `${this.options.name}: ${error.message}; closed`);
          socket.destroy();
        },
      )
      .finally(() => {
        clearTimeout(timer);
        this.upgrading.delete(socket);
      });
  }
}

function ignore(): void {}
