import type { Kernel } from "../kernel/kernel.js";
import type { RandomStream } from "../kernel/random.js";

/** What one side of a connection hears. Nothing follows {@link closed}. */
export interface Side {
  received(bytes: Uint8Array): void;
  closed(reason: string): void;
}

export interface NetworkOptions {
  readonly minLatencyMs: number;
  readonly maxLatencyMs: number;
  /** Whether bytes are cut into pieces at any place. */
  readonly segments: boolean;
}

/** One direction of a connection: a stream in order, whose bytes arrive late or, while it is cut, not yet. */
interface Pipe {
  readonly from: string;
  readonly to: string;
  side: Side | null;
  /** Nothing arrives before what was sent earlier. */
  lastAtMs: number;
  /** Bytes, or null for the end, that are held back because the way is cut. */
  held: (Uint8Array | null)[];
}

/** A TCP connection between two nodes of the world. */
export class Connection {
  isOpen = true;

  constructor(
    private readonly network: Network,
    readonly id: number,
    private readonly pipes: readonly [Pipe, Pipe],
  ) {}

  /** @param end - 0 for the side that connected, 1 for the one that accepted */
  listen(end: 0 | 1, side: Side): void {
    this.pipes[1 - end]!.side = side;
  }

  send(end: 0 | 1, bytes: Uint8Array): void {
    if (this.isOpen) this.network.send(this.pipes[end]!, bytes, this);
  }

  /** That side hangs up: the other one hears of it after all that was sent. */
  close(end: 0 | 1): void {
    this.pipes[1 - end]!.side = null;
    this.network.send(this.pipes[end]!, null, this);
  }

  /** Both sides lose it at once, and what was on its way. */
  reset(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.network.forget(this);
    for (const pipe of this.pipes) {
      const { side } = pipe;
      pipe.side = null;
      pipe.held.length = 0;
      side?.closed("connection reset");
    }
  }

  joins(a: string, b: string): boolean {
    const [{ from, to }] = this.pipes;
    return (from === a && to === b) || (from === b && to === a);
  }

  touches(node: string): boolean {
    const [{ from, to }] = this.pipes;
    return from === node || to === node;
  }

  /** @internal */
  get ways(): readonly [Pipe, Pipe] {
    return this.pipes;
  }
}

/** All nodes of the world and the ways between them. A way can be cut in one direction: then it is silent. */
export class Network {
  private readonly listeners = new Map<string, { node: string; accept: (connection: Connection) => void }>();
  private readonly cuts = new Set<string>();
  private readonly connections = new Set<Connection>();
  private nextId = 1;

  constructor(
    private readonly kernel: Kernel,
    private readonly random: RandomStream,
    private readonly options: NetworkOptions,
  ) {}

  /** @returns stops listening */
  listen(node: string, address: string, accept: (connection: Connection) => void): () => void {
    this.listeners.set(address, { node, accept });
    return () => {
      if (this.listeners.get(address)?.accept === accept) this.listeners.delete(address);
    };
  }

  /**
   * @param connected - with end 0 of the connection
   * @returns stops the attempt
   */
  connect(
    from: string,
    address: string,
    timeoutMs: number,
    connected: (connection: Connection) => void,
    failed: (reason: string) => void,
  ): () => void {
    let isOver = false;
    const finish = (act: () => void) => () => {
      if (isOver) return;
      isOver = true;
      cancelTimeout();
      act();
    };
    const cancelTimeout = this.kernel.after(timeoutMs, `${from} times out on ${address}`, () => {
      finish(() => failed("timed out"))();
    });
    this.kernel.after(this.latency() * 2, `${from} connects to ${address}`, () => {
      if (isOver) return;
      const listener = this.listeners.get(address);
      const to = listener?.node ?? address.slice(0, address.indexOf(":"));
      if (this.isCut(from, to) || this.isCut(to, from)) return; // silence, until the time is over
      if (listener === undefined) {
        finish(() => failed("refused"))();
        return;
      }
      const pipe = (a: string, b: string): Pipe => ({ from: a, to: b, side: null, lastAtMs: 0, held: [] });
      const connection = new Connection(this, this.nextId++, [pipe(from, to), pipe(to, from)]);
      this.connections.add(connection);
      finish(() => {
        connected(connection);
        if (connection.isOpen) listener.accept(connection);
      })();
    });
    return () => {
      isOver = true;
      cancelTimeout();
    };
  }

  // --- faults

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>${to}`);
  }

  cut(from: string, to: string): void {
    this.cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.cuts.clear();
    for (const connection of this.connections) {
      for (const pipe of connection.ways) {
        for (const bytes of pipe.held.splice(0)) this.deliver(pipe, bytes, connection);
      }
    }
  }

  /** Resets the connections that a node has. */
  resetAll(node: string): void {
    for (const connection of [...this.connections]) if (connection.touches(node)) connection.reset();
  }

  resetBetween(a: string, b: string): void {
    for (const connection of [...this.connections]) if (connection.joins(a, b)) connection.reset();
  }

  // --- bytes

  /** @internal */
  send(pipe: Pipe, bytes: Uint8Array | null, connection: Connection): void {
    if (bytes === null || !this.options.segments || bytes.length < 2) {
      this.deliver(pipe, bytes, connection);
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      const size = this.random.chance(0.2) ? 1 : this.random.between(1, bytes.length - at);
      this.deliver(pipe, bytes.subarray(at, at + size), connection);
      at += size;
    }
  }

  /** @internal */
  forget(connection: Connection): void {
    this.connections.delete(connection);
  }

  private deliver(pipe: Pipe, bytes: Uint8Array | null, connection: Connection): void {
    if (this.isCut(pipe.from, pipe.to)) {
      pipe.held.push(bytes);
      return;
    }
    const atMs = Math.max(this.kernel.nowMs + this.latency(), pipe.lastAtMs + 0.001);
    pipe.lastAtMs = atMs;
    this.kernel.after(atMs - this.kernel.nowMs, `${pipe.from}>${pipe.to} ${bytes?.length ?? "end"}`, () => {
      if (!connection.isOpen) return;
      if (this.isCut(pipe.from, pipe.to)) {
        pipe.held.push(bytes);
        return;
      }
      if (bytes !== null) {
        pipe.side?.received(bytes);
        return;
      }
      const { side } = pipe;
      pipe.side = null;
      side?.closed("hung up");
      if (connection.ways.every((way) => way.side === null)) this.forget(connection);
    });
  }

  private latency(): number {
    const { minLatencyMs, maxLatencyMs } = this.options;
    // Mostly quick, at times slow.
    const fraction = this.random.fraction();
    return minLatencyMs + (maxLatencyMs - minLatencyMs) * fraction * fraction * fraction;
  }
}
