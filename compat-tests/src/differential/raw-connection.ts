import { connect, type Socket } from "node:net";

/**
 * A TCP connection that knows frames and nothing else of the protocol: any bytes can be sent, and what comes back is
 * kept frame by frame until somebody takes it.
 */
export class RawConnection {
  /** Payloads of the frames received and not yet taken, oldest first. */
  frames: Uint8Array[] = [];
  /** The server closed the connection, or it broke. */
  isClosed = false;
  private readonly socket: Socket;
  private rest: Uint8Array = new Uint8Array(0);
  private waiter: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.receive(chunk);
      this.waiter?.();
    });
    // A reset instead of an orderly end is the same to us: what matters is that the server gave the connection up.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.waiter?.();
    });
  }

  static open(host: string, port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  send(bytes: Uint8Array): void {
    if (!this.isClosed) this.socket.write(bytes);
  }

  /** Resolves to true as soon as the condition holds (it is asked again whenever something arrives), to false at the timeout. */
  async until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    if (condition()) return true;
    return new Promise((resolve) => {
      const done = (result: boolean) => {
        clearTimeout(timer);
        this.waiter = null;
        resolve(result);
      };
      const timer = setTimeout(() => done(condition()), timeoutMs);
      this.waiter = () => {
        if (condition()) done(true);
      };
    });
  }

  /** Removes the frames received so far and returns them. */
  take(): Uint8Array[] {
    const { frames } = this;
    this.frames = [];
    return frames;
  }

  /** Closes from this side. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.socket.destroy();
    await this.until(() => this.isClosed, 5_000);
  }

  private receive(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.rest.length > 0) bytes = Buffer.concat([this.rest, chunk]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = view.getInt32(at);
      if (length < 0) throw new Error(`a frame of length ${length} from the server`);
      if (bytes.length - at - 4 < length) break;
      this.frames.push(bytes.slice(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.rest = bytes.slice(at);
  }
}
