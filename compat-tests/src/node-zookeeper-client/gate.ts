import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Forwards connections to a server until it is shut: then they break and new ones are refused. */
export class Gate {
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  private port = 0;

  private constructor(private readonly target: string) {}

  static async open(target: string): Promise<Gate> {
    const gate = new Gate(target);
    await gate.reopen();
    return gate;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async reopen(): Promise<void> {
    const [host, port] = this.target.split(":");
    this.server = createServer((inside) => {
      const outside = connect(Number(port), host!);
      for (const socket of [inside, outside]) {
        this.sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          inside.destroy();
          outside.destroy();
        });
      }
      inside.pipe(outside);
      outside.pipe(inside);
    });
    this.server.listen(this.port, "127.0.0.1");
    await once(this.server, "listening");
    const address = this.server.address();
    if (address !== null && typeof address !== "string") this.port = address.port;
  }

  async shut(): Promise<void> {
    this.server!.close();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }
}
