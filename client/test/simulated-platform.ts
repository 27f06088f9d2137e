import type { Connection, ConnectionHandler, Platform, ServerAddress } from "../src/index.js";

/** The far end of a simulated connection. */
export interface SimulatedPeer {
  /** Bytes that the client wrote. */
  received(bytes: Uint8Array): void;
  /** The client ended the connection. */
  closed(): void;
}

/** What a peer can do to its connection. Everything arrives after the network's delay. */
export interface SimulatedWire {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Says whether somebody listens there; null refuses the connection. */
export type Listen = (server: ServerAddress, wire: SimulatedWire) => SimulatedPeer | null;

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** One end to end connection of the simulation. */
export class SimulatedConnection {
  peer: SimulatedPeer | null = null;
  /** A silent partition: what is sent is lost, and nobody is told. */
  isCut = false;
  isOpen = true;
  /** What the socket says to a write: false holds the client back. */
  hasRoom = true;
  constructor(
    readonly server: ServerAddress,
    readonly handler: ConnectionHandler,
  ) {}
}

/** Time, chance and network as arguments: nothing happens until {@link run} moves the clock. */
export class SimulatedPlatform implements Platform {
  readonly connections: SimulatedConnection[] = [];
  private readonly entries: Entry[] = [];
  private order = 0;
  private nowMs = 0;
  private uuids = 0;
  private state: number;

  constructor(
    seed: number,
    private readonly listen: Listen,
    private readonly delayMs = () => 1,
  ) {
    this.state = seed | 0;
  }

  now(): number {
    return this.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    let isOff = false;
    this.at(delayMs, () => {
      if (!isOff) callback();
    });
    return () => {
      isOff = true;
    };
  }

  defer(callback: () => void): void {
    this.at(0, callback);
  }

  random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  uuid(): string {
    return `00000000-0000-4000-8000-${String(this.uuids++).padStart(12, "0")}`;
  }

  connect(server: ServerAddress, handler: ConnectionHandler): Connection {
    const connection = new SimulatedConnection(server, handler);
    this.connections.push(connection);
    const toClient = (run: () => void) =>
      this.inOrder(() => {
        if (connection.isOpen && !connection.isCut) run();
      });
    const close = (reason: string) =>
      toClient(() => {
        connection.isOpen = false;
        handler.closed(reason);
      });
    this.at(this.delayMs(), () => {
      if (!connection.isOpen || connection.isCut) return;
      connection.peer = this.listen(server, {
        send: (bytes) => toClient(() => handler.received(bytes)),
        close: () => close("closed by the server"),
      });
      if (connection.peer === null) {
        close("refused");
        return;
      }
      toClient(() => handler.opened());
    });
    return {
      write: (bytes) => {
        this.inOrder(() => {
          if (connection.isOpen && !connection.isCut) connection.peer?.received(bytes);
        });
        return connection.hasRoom;
      },
      close: () => {
        if (!connection.isOpen) return;
        connection.isOpen = false;
        this.inOrder(() => connection.peer?.closed());
      },
    };
  }

  /** Lets so much time pass, doing everything that falls due. */
  async run(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      await settled();
      const entry = this.entries[0];
      if (entry === undefined || entry.atMs > endMs) break;
      this.entries.shift();
      this.nowMs = Math.max(this.nowMs, entry.atMs);
      entry.run();
    }
    this.nowMs = endMs;
  }

  /** All connections break at once, and what is under way on them is lost. */
  reset(): void {
    for (const connection of this.connections) {
      if (!connection.isOpen || connection.peer === null) continue;
      connection.isOpen = false;
      connection.peer.closed();
      this.at(0, () => connection.handler.closed("reset"));
    }
  }

  /** The process stands still for so long: time passes, and nothing is done. */
  stall(ms: number): void {
    this.nowMs += ms;
  }

  /** After the network's delay, and never before what was sent earlier. */
  private inOrder(run: () => void): void {
    this.lastAtMs = Math.max(this.lastAtMs, this.nowMs + this.delayMs());
    this.at(this.lastAtMs - this.nowMs, run);
  }
  private lastAtMs = 0;

  private at(delayMs: number, run: () => void): void {
    const entry: Entry = { atMs: this.nowMs + Math.max(0, delayMs), order: this.order++, run };
    let i = this.entries.length;
    while (i > 0 && this.entries[i - 1].atMs > entry.atMs) i--;
    this.entries.splice(i, 0, entry);
  }
}

/** Lets all microtasks run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
