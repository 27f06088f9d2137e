import { connect as connectSocket, type Socket } from "node:net";
import { ConnectRequest, Long, Reader, ReplyHeader, Writer } from "@quoll/jute";

export interface Reply {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  /** At the beginning of the reply's body. */
  readonly body: Reader;
}

export interface SessionOptions {
  readonly timeoutMs?: number;
  readonly sessionId?: Long;
  readonly password?: Uint8Array;
}

/** The connection ended, or was never made. */
export class ConnectionLost extends Error {}

/**
 * One session over one socket, as raw as can be: requests are bodies of bytes, replies are matched by their order. It does
 * not reconnect; watch events are dropped.
 */
export class RawClient {
  sessionId = Long.ZERO;
  password: Uint8Array = new Uint8Array(16);
  /** 0: the server refused the session. */
  timeoutMs = -1;
  lastZxid = 0;
  /** Settles when the socket is closed, whoever closed it. */
  readonly closed: Promise<void>;

  private nextXid = 1;
  private input: Buffer = Buffer.alloc(0);
  private isClosed = false;
  private readonly waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  private connected: ((error?: Error) => void) | null = null;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        this.connected?.(new ConnectionLost("connecting"));
        for (const { reject } of this.waiting) reject(new ConnectionLost("waiting for a reply"));
        this.waiting.length = 0;
        resolve();
      });
    });
  }

  /** @throws ConnectionLost */
  static async connect(port: number, options: SessionOptions = {}): Promise<RawClient> {
    const socket = connectSocket({ port, host: "127.0.0.1", noDelay: true });
    const client = new RawClient(socket);
    const answered = new Promise<void>((resolve, reject) => {
      client.connected = (error) => (error === undefined ? resolve() : reject(error));
    });
    const to = new Writer();
    to.int(0);
    ConnectRequest.encode(to, {
      protocolVersion: 0,
      lastZxidSeen: Long.ZERO,
      timeOut: options.timeoutMs ?? 20_000,
      sessionId: options.sessionId ?? Long.ZERO,
      passwd: options.password ?? new Uint8Array(16),
      readOnly: false,
    });
    to.patchInt(0, to.at - 4);
    socket.write(to.take());
    await answered;
    return client;
  }

  /** Sends one request. @throws ConnectionLost: whether it was done is unknown */
  request(type: number, body: Uint8Array): Promise<Reply> {
    if (this.isClosed) return Promise.reject(new ConnectionLost("sending"));
    const to = new Writer();
    to.int(8 + body.length);
    to.int(this.nextXid++);
    to.int(type);
    to.raw(body, 0, body.length);
    this.socket.write(to.take());
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Ends the connection; the session stays. */
  drop(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.input = this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk]);
    let at = 0;
    while (this.input.length - at >= 4) {
      const length = this.input.readInt32BE(at);
      if (this.input.length - at - 4 < length) break;
      this.message(new Uint8Array(this.input.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    this.input = this.input.subarray(at);
  }

  private message(bytes: Uint8Array): void {
    const body = new Reader(bytes);
    if (this.connected !== null) {
      body.int();
      this.timeoutMs = body.int();
      this.sessionId = body.bits();
      this.password = new Uint8Array(body.buffer()!);
      this.connected();
      this.connected = null;
      return;
    }
    const { xid, zxid, err } = ReplyHeader.decode(body);
    if (xid === -1) return;
    if (zxid > 0) this.lastZxid = zxid;
    this.waiting.shift()?.resolve({ xid, zxid, err, body });
  }
}
