import { connect, createServer, type Server, type Socket } from "node:net";

/** A network between a client and a server that can fail in all the usual ways. */
export class Network {
  readonly host = "127.0.0.1";
  port = 0;
  /** How many connections were made through it. */
  connections = 0;
  private readonly server: Server;
  private readonly pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  private isPartitioned = false;

  private constructor(private target: { readonly host: string; readonly port: number }) {
    this.server = createServer((client) => this.accept(client));
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<Network> {
    const network = new Network(target);
    await network.up();
    return network;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** From now on nothing passes, in neither direction, and nobody is told: a cable is out. New connections are taken and lead nowhere. */
  partition(): void {
    this.isPartitioned = true;
    for (const { client, server } of this.pairs) {
      client.pause();
      server.pause();
    }
  }

  /** The cable is in again. What was held back is lost with its connections, as after a long time. */
  heal(): void {
    this.isPartitioned = false;
    this.reset();
  }

  /** All connections break. */
  reset(): void {
    for (const { client, server } of this.pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Nobody listens any more, and what was open breaks. */
  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.reset();
    await closed;
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, this.host, resolve));
    const address = this.server.address();
    if (address !== null && typeof address === "object") this.port = address.port;
  }

  private accept(client: Socket): void {
    this.connections++;
    const server = connect(this.target.port, this.target.host);
    const pair = { client, server };
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        // Whoever is cut off doesn't see the other one's end.
        if (!this.isPartitioned) end();
      });
    }
    client.on("data", (bytes) => void (this.isPartitioned || server.write(bytes)));
    server.on("data", (bytes) => void (this.isPartitioned || client.write(bytes)));
    client.on("end", () => this.isPartitioned || end());
    server.on("end", () => this.isPartitioned || end());
  }
}
