import { createServer, type Server, type Socket } from "node:net";
import { QuollError, Writer } from "@quoll/jute";
import { type Connection, ConnectionState } from "../core/connection.js";
import { fourLetterWord } from "../core/four-letter-word.js";
import { CONNECTION_OUTPUT_BYTES_KEPT } from "../core/limits.js";
import type { ServerCore } from "../core/server-core.js";

/** How long a connection that ends has for taking the output that is left. */
const LINGER_MS = 10_000;
/** How long a client may say nothing while nobody serves. */
const UNSERVED_MS = 10_000;

/** The client port can't be listened on. */
export class ListenError extends QuollError {
  readonly code = "LISTEN";
  /** @param errno - the system's name of the error: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND, … */
  constructor(
    readonly host: string,
    readonly port: number,
    readonly errno: string,
    cause: unknown,
  ) {
    const reason =
      errno === "EADDRINUSE"
        ? "another process listens there. Stop it, or set another clientPort"
        : "check clientPort and clientPortAddress";
    super(`cannot listen for clients on ${host} port ${port} (${errno}): ${reason}.`, { cause });
  }
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** 0 or less: the runtime's own. */
  readonly backlog: number;
  readonly keepAlive: boolean;
}

/** The sockets of the clients: their bytes go into the core, the core's output goes out once per turn. */
export class Connections {
  private readonly server: Server;
  private readonly sockets = new Map<Connection, Socket>();
  /** Sockets that are not read, because the core takes no more of their requests for now. */
  private readonly notRead = new Set<Connection>();
  /** Sockets that end once their output is sent, with the time at which they end anyway. */
  private readonly ending = new Map<Socket, number>();

  /** Clients that came while nobody serves: only a four-letter word of theirs is answered. */
  private readonly unserved = new Set<Socket>();

  /**
   * @param core - who serves the clients; null while nobody does
   * @param turn - called before the core is given something; it sees to it that {@link flush} follows
   * @param unservedWord - answers a four-letter word while nobody serves
   */
  constructor(
    private core: ServerCore | null,
    private readonly options: ListenOptions,
    private readonly turn: () => void,
    private readonly unservedWord: (word: string) => string = () => "",
  ) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: options.keepAlive }, (socket) =>
      this.accept(socket),
    );
  }

  /** The port that is bound, or -1. */
  get port(): number {
    const address = this.server.address();
    return address !== null && typeof address === "object" ? address.port : -1;
  }

  /** @throws ListenError */
  listen(): Promise<void> {
    const { host, port, backlog } = this.options;
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) =>
        reject(new ListenError(host, port, error.code ?? error.message, error));
      this.server.once("error", refuse);
      this.server.listen({ host, port, ...(backlog > 0 ? { backlog } : {}) }, () => {
        this.server.off("error", refuse);
        // Later errors concern one accept only (EMFILE): the client sees its connection fail and tries again.
        this.server.on("error", () => {});
        resolve();
      });
    });
  }

  /** Takes no more connections and ends those there are. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.endAll();
      for (const socket of this.ending.keys()) socket.destroy();
    });
  }

  /** From now on `core` serves the clients that come, or nobody does. Those that are there lose their connections. */
  serve(core: ServerCore | null): void {
    this.endAll();
    this.core = core;
  }

  private endAll(): void {
    for (const socket of this.sockets.values()) socket.destroy();
    for (const socket of this.unserved) socket.destroy();
    this.sockets.clear();
    this.notRead.clear();
  }

  /** Sends what the turn has written. */
  flush(): void {
    if (this.core === null) return;
    const { dirty } = this.core.effects;
    for (let i = 0; i < dirty.length; i++) this.send(dirty[i]);
    dirty.length = 0;
    for (const connection of this.notRead) {
      if (takesInput(connection)) {
        this.notRead.delete(connection);
        this.sockets.get(connection)?.resume();
      }
    }
  }

  /** Sends a text and ends the connection. */
  answer(connection: Connection, text: string): void {
    const socket = this.sockets.get(connection);
    if (socket === undefined) return;
    socket.write(text);
    this.end(connection, socket);
  }

  /** To be called now and then: ends what has had its time. */
  reap(nowMs: number): void {
    for (const [socket, deadlineMs] of this.ending) if (nowMs >= deadlineMs) socket.destroy();
  }

  private accept(socket: Socket): void {
    // A turn begins with the time, which may end the term of whoever served until now.
    this.turn();
    const { core } = this;
    if (core === null) {
      this.acceptUnserved(socket);
      return;
    }
    const { remoteAddress, remotePort } = socket;
    // A socket that is gone already has no address.
    const connection = remoteAddress === undefined ? null : core.connected(remoteAddress, remotePort ?? 0);
    if (connection === null) {
      socket.on("error", ignore);
      socket.destroy();
      return;
    }
    this.sockets.set(connection, socket);
    socket.on("data", (chunk: Buffer) => {
      this.turn();
      // A plain view: a Buffer's slice() does not copy, and the core relies on slices being copies.
      core.received(connection, new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      if (!takesInput(connection) && connection.input !== null) {
        socket.pause();
        this.notRead.add(connection);
      }
    });
    socket.on("drain", () => {
      this.turn();
      connection.unsentBytes = socket.writableLength;
      core.drained(connection);
    });
    // The client has ended its half: as with ZooKeeper, that ends the connection.
    socket.on("end", () => {
      this.turn();
      core.hungUp(connection);
    });
    socket.on("error", ignore);
    socket.on("close", () => {
      this.turn();
      this.sockets.delete(connection);
      this.notRead.delete(connection);
      this.ending.delete(socket);
      core.disconnected(connection);
    });
  }

  private acceptUnserved(socket: Socket): void {
    this.unserved.add(socket);
    socket.setTimeout(UNSERVED_MS, () => socket.destroy());
    socket.on("error", ignore);
    socket.on("close", () => this.unserved.delete(socket));
    socket.once("data", (chunk: Buffer) => {
      const word = chunk.length < 4 ? undefined : fourLetterWord(chunk.readInt32BE(0));
      if (word === undefined) socket.destroy();
      else socket.end(this.unservedWord(word));
    });
  }

  private send(connection: Connection): void {
    connection.dirty = false;
    const socket = this.sockets.get(connection);
    if (socket === undefined) return;
    const { out } = connection;
    if (out.at > 0) {
      socket.write(Buffer.from(out.bytes.buffer, out.bytes.byteOffset, out.at));
      connection.unsentBytes = socket.writableLength;
      // What the kernel has taken at once can be written over; what it has not is the socket's until it is sent.
      if (connection.unsentBytes === 0 && out.bytes.length <= CONNECTION_OUTPUT_BYTES_KEPT) out.reset();
      else connection.out = new Writer();
    }
    if (connection.state === ConnectionState.closing) this.end(connection, socket);
  }

  private end(connection: Connection, socket: Socket): void {
    this.sockets.delete(connection);
    this.ending.set(socket, performance.now() + LINGER_MS);
    socket.removeAllListeners("data");
    socket.resume();
    socket.destroySoon();
    this.core?.disconnected(connection);
  }
}

/** Whether the core would look at more bytes of this client now. */
function takesInput(connection: Connection): boolean {
  return !connection.paused && connection.state !== ConnectionState.connecting;
}

function ignore(): void {}
