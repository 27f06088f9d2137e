import { connect, type Socket } from "node:net";

/** ConnectRequest{int 0, long 0, int timeout, long 0, buffer of 16 zeros, bool false}, framed. */
function connectFrame(timeoutMs: number): Buffer {
  const frame = Buffer.alloc(49);
  frame.writeInt32BE(45, 0);
  frame.writeInt32BE(timeoutMs, 16);
  frame.writeInt32BE(16, 28);
  return frame;
}

const PING = Buffer.from("00000008fffffffe0000000b", "hex");
/** Frames that are sent in one piece, so that memory stays small. */
const PIECE = 1000;

/** A client that only cuts frames: it costs next to nothing beside the server that it measures. */
export class RawClient {
  private remaining = 0;
  private resolve: (() => void) | null = null;
  private reject: ((error: Error) => void) | null = null;
  /** Bytes of the current frame that are to come. */
  private bodyLeft = 0;
  private readonly head = Buffer.alloc(4);
  private headLength = 0;
  private isClosing = false;
  /** Bytes of all frames so far. */
  receivedBytes = 0;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.received(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (!this.isClosing) this.reject?.(new Error("the server closed a connection under load"));
    });
  }

  /** Connects and waits for the session. */
  static async open(port: number, timeoutMs = 30_000): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new RawClient(socket);
    await client.send(connectFrame(timeoutMs), 1);
    return client;
  }

  /** Sends frames and waits until so many have come back. */
  send(frames: Buffer, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.remaining += count;
      this.resolve = resolve;
      this.reject = reject;
      this.socket.write(frames);
    });
  }

  /** Sends `count` requests in pieces; each piece waits for the replies to the one before. */
  async sendAll(count: number, frameOf: (i: number) => Buffer, piece = PIECE): Promise<void> {
    for (let from = 0; from < count; from += piece) {
      const frames: Buffer[] = [];
      for (let i = from; i < Math.min(count, from + piece); i++) frames.push(frameOf(i));
      await this.send(Buffer.concat(frames), frames.length);
    }
  }

  ping(): Promise<void> {
    return this.send(PING, 1);
  }

  /** Ends the connection; the session stays until it expires. */
  destroy(): void {
    this.isClosing = true;
    this.socket.destroy();
  }

  private received(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.bodyLeft > 0) {
        const take = Math.min(this.bodyLeft, chunk.length - at);
        this.bodyLeft -= take;
        at += take;
      } else {
        this.head[this.headLength++] = chunk[at++];
        if (this.headLength < 4) continue;
        this.headLength = 0;
        this.bodyLeft = this.head.readInt32BE(0);
      }
      if (this.bodyLeft === 0 && this.headLength === 0) this.remaining--;
    }
    if (this.remaining > 0 || this.resolve === null) return;
    const { resolve } = this;
    this.resolve = null;
    resolve();
  }
}

// --- requests, framed

export function getData(path: string, watch = false, xid = 1): Buffer {
  return readRequest(4, path, watch, xid);
}

export function exists(path: string, watch = false, xid = 1): Buffer {
  return readRequest(3, path, watch, xid);
}

export function getChildren(path: string, xid = 1): Buffer {
  return readRequest(8, path, false, xid);
}

/** Of a persistent znode that is open to all. */
export function create(path: string, data: Buffer, xid = 1): Buffer {
  const { frame, at } = begin(1, path, 4 + data.length + OPEN_ACL.length + 4, xid);
  frame.writeInt32BE(data.length, at);
  data.copy(frame, at + 4);
  OPEN_ACL.copy(frame, at + 4 + data.length);
  return frame;
}

/** Of any version. */
export function remove(path: string, xid = 1): Buffer {
  const { frame, at } = begin(2, path, 4, xid);
  frame.writeInt32BE(-1, at);
  return frame;
}

/** One entry: all permissions, for world:anyone. */
const OPEN_ACL = Buffer.from(
  `000000010000001f00000005${Buffer.from("world").toString("hex")}00000006${Buffer.from("anyone").toString("hex")}`,
  "hex",
);

function readRequest(type: number, path: string, watch: boolean, xid: number): Buffer {
  const { frame, at } = begin(type, path, 1, xid);
  frame[at] = watch ? 1 : 0;
  return frame;
}

function begin(type: number, path: string, rest: number, xid: number): { frame: Buffer; at: number } {
  const length = Buffer.byteLength(path);
  const frame = Buffer.alloc(16 + length + rest);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(xid, 4);
  frame.writeInt32BE(type, 8);
  frame.writeInt32BE(length, 12);
  frame.write(path, 16);
  return { frame, at: 16 + length };
}
