import type { ServerAddress } from "./connect-string.js";

/** Which server to try next, and how long to wait before. */
export class ServerList {
  private readonly servers: ServerAddress[];
  private next = 0;
  /** Since the last established session. */
  private attempts = 0;

  /** @param random - 0 to below 1; the servers are shuffled with it, so that clients spread */
  constructor(
    servers: readonly ServerAddress[],
    private readonly minMs: number,
    private readonly maxMs: number,
    private readonly random: () => number,
  ) {
    this.servers = servers.slice();
    for (let i = this.servers.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      const swapped = this.servers[i];
      this.servers[i] = this.servers[j];
      this.servers[j] = swapped;
    }
  }

  get size(): number {
    return this.servers.length;
  }

  /** The server for the next attempt. */
  take(): ServerAddress {
    const server = this.servers[this.next];
    this.next = (this.next + 1) % this.servers.length;
    this.attempts++;
    return server;
  }

  /** The server behind the one that was taken last, without taking it. */
  peek(offset: number): ServerAddress {
    return this.servers[(this.next + offset) % this.servers.length];
  }

  /** Makes that server the next one. */
  prefer(server: ServerAddress): void {
    this.next = this.servers.indexOf(server);
  }

  /** A session was established: the next round begins anew. */
  succeeded(): void {
    this.attempts = 0;
  }

  /**
   * How long to wait before the next attempt, ms. When a server dies all of its clients come at once to the others, so
   * even the first wait is random; after a round through all servers waits double.
   */
  delayMs(): number {
    const round = Math.floor(this.attempts / this.servers.length);
    if (round === 0) return this.random() * this.minMs;
    const limitMs = Math.min(this.maxMs, this.minMs * 2 ** Math.min(round, 30));
    return limitMs / 2 + (this.random() * limitMs) / 2;
  }
}
