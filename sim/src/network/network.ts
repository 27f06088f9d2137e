import type { Kernel } from "../kernel/kernel.js";
import type { RandomStream } from "../kernel/random.js";

/** What one side of a connection hears. Nothing follows {@link closed}. */
export interface Side {
  received(bytes: Uint8Array): void;
  /** Some of what was sent has arrived. */
  drained(): void;
  closed(reason: string): void;
}

export interface NetworkOptions {
  readonly minLatencyMs: number;
  readonly maxLatencyMs: number;
  /** Whether bytes are cut into pieces at any place. */
  readonly segments: boolean;
}

/** Bytes that the two kernels take before a sender has to wait. */
const WINDOW_BYTES = 32 * 1024;

/** One direction of a connection: a stream in order, whose bytes arrive late or, while it is cut, not yet. */
interface Pipe {
  readonly from: string;
  readonly to: string;
  /** Who hears what arrives; null before it listens, and after it is gone. */
  side: Side | null;
  /** The end that hears is gone for good, with or without having said so. */
  isDead: boolean;
  /** That end takes nothing for now. */
  isUnread: boolean;
  /** Nothing arrives before what was sent earlier. */
  lastAtMs: number;
  /** Bytes that were sent and not taken. */
  inFlight: number;
  /** Bytes, or null for the end, that have arrived and could not be taken, or are held back because the way is cut. */
  held: (Uint8Array | null)[];
}

/** A TCP connection between two nodes of the world. */
export class Connection {
  isOpen = true;

  constructor(
    private readonly network: Network,
    readonly pipes: readonly [Pipe, Pipe],
  ) {}

  /** @param end - 0 for the side that connected, 1 for the one that accepted */
  listen(end: 0 | 1, side: Side): void {
    const pipe = this.pipes[1 - end]!;
    if (pipe.isDead) return;
    pipe.side = side;
    this.network.takeHeld(pipe, this);
  }

  send(end: 0 | 1, bytes: Uint8Array): void {
    if (this.isOpen) this.network.send(this.pipes[end]!, bytes, this);
  }

  /** What that side has sent and its kernel could not pass on yet. */
  unsentBytes(end: 0 | 1): number {
    return Math.max(0, this.pipes[end]!.inFlight - WINDOW_BYTES);
  }

  /** That side takes nothing more until it says otherwise. */
  setUnread(end: 0 | 1, isUnread: boolean): void {
    const pipe = this.pipes[1 - end]!;
    pipe.isUnread = isUnread;
    if (!isUnread) this.network.takeHeld(pipe, this);
  }

  /** That side hangs up: the other one hears of it after all that was sent. */
  close(end: 0 | 1): void {
    const heard = this.pipes[1 - end]!;
    if (heard.isDead) return;
    this.die(end);
    this.network.send(this.pipes[end]!, null, this);
  }

  /** That side is gone without a word: the other one learns of it when it sends something to a machine that is up. */
  die(end: 0 | 1): void {
    const heard = this.pipes[1 - end]!;
    heard.side = null;
    heard.isDead = true;
    heard.held.length = 0;
    if (this.pipes.every((pipe) => pipe.isDead)) this.forget();
  }

  /** Both sides lose it at once, and what was on its way. */
  reset(): void {
    if (!this.isOpen) return;
    this.forget();
    for (const pipe of this.pipes) {
      const { side } = pipe;
      pipe.side = null;
      pipe.isDead = true;
      side?.closed("connection reset");
    }
  }

  /** @internal */
  forget(): void {
    this.isOpen = false;
    for (const pipe of this.pipes) pipe.held.length = 0;
    this.network.forget(this);
  }

  joins(a: string, b: string): boolean {
    const [{ from, to }] = this.pipes;
    return (from === a && to === b) || (from === b && to === a);
  }
}

/** All nodes of the world and the ways between them. A way can be cut in one direction: then it is silent. */
export class Network {
  private readonly listeners = new Map<string, { node: string; accept: (connection: Connection) => void }>();
  private readonly cuts = new Set<string>();
  private readonly stopped = new Set<string>();
  private readonly down = new Set<string>();
  private readonly connections = new Set<Connection>();

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
    const cancelTimeout = this.kernel.after(timeoutMs, `${from} times out on ${address}`, () => {
      if (isOver) return;
      isOver = true;
      failed("timed out");
    });
    this.kernel.after(this.latency() * 2, `${from} connects to ${address}`, () => {
      if (isOver) return;
      const listener = this.listeners.get(address);
      const to = listener?.node ?? address.slice(0, address.indexOf(":"));
      // Silence, until the time is over.
      if (this.down.has(to) || this.isCut(from, to) || this.isCut(to, from)) return;
      isOver = true;
      cancelTimeout();
      if (listener === undefined) {
        failed("refused");
        return;
      }
      const connection = new Connection(this, [pipe(from, to), pipe(to, from)]);
      this.connections.add(connection);
      connected(connection);
      if (connection.isOpen) listener.accept(connection);
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

  mend(from: string, to: string): void {
    this.cuts.delete(`${from}>${to}`);
    this.takeAllHeld();
  }

  heal(): void {
    this.cuts.clear();
    this.takeAllHeld();
  }

  resetBetween(a: string, b: string): void {
    for (const connection of [...this.connections]) if (connection.joins(a, b)) connection.reset();
  }

  /** The processes of a node stand still: nothing is taken, but their kernel goes on. */
  setStopped(node: string, isStopped: boolean): void {
    if (isStopped) this.stopped.add(node);
    else this.stopped.delete(node);
    this.takeAllHeld();
  }

  /** The process of a node ends: its kernel says so to the others. */
  processEnded(node: string): void {
    for (const [connection, end] of this.ends(node)) connection.close(end);
    this.forgetListeners(node);
  }

  /** A node loses power: nobody says anything. */
  powerLost(node: string): void {
    this.down.add(node);
    for (const [connection, end] of this.ends(node)) connection.die(end);
    this.forgetListeners(node);
  }

  powerIsBack(node: string): void {
    this.down.delete(node);
  }

  private ends(node: string): [Connection, 0 | 1][] {
    const ends: [Connection, 0 | 1][] = [];
    for (const connection of this.connections) {
      if (connection.pipes[0].from === node) ends.push([connection, 0]);
      if (connection.pipes[1].from === node) ends.push([connection, 1]);
    }
    return ends;
  }

  private forgetListeners(node: string): void {
    for (const [address, listener] of this.listeners) if (listener.node === node) this.listeners.delete(address);
  }

  // --- bytes

  /** @internal */
  send(pipe: Pipe, bytes: Uint8Array | null, connection: Connection): void {
    if (bytes !== null) pipe.inFlight += bytes.length;
    if (bytes === null || !this.options.segments || bytes.length < 2) {
      this.transmit(pipe, bytes, connection);
      return;
    }
    let pieces = 0;
    for (let at = 0; at < bytes.length; pieces++) {
      const left = bytes.length - at;
      // Large data in few pieces: what matters is where they end.
      const size = pieces > 6 ? left : this.random.chance(0.2) ? 1 : this.random.between(1, left);
      this.transmit(pipe, bytes.subarray(at, at + size), connection);
      at += size;
    }
  }

  /** @internal */
  forget(connection: Connection): void {
    this.connections.delete(connection);
  }

  private takeAllHeld(): void {
    for (const connection of [...this.connections]) {
      for (const pipe of connection.pipes) this.takeHeld(pipe, connection);
    }
  }

  /** @internal */
  takeHeld(pipe: Pipe, connection: Connection): void {
    if (pipe.held.length === 0 || !this.isTaken(pipe)) return;
    // Not at once: whoever asked for it is in the middle of something.
    this.kernel.after(0, `${pipe.from}>${pipe.to} held`, () => {
      while (connection.isOpen && pipe.held.length > 0 && this.isTaken(pipe)) {
        this.take(pipe, pipe.held.shift()!, connection);
      }
    });
  }

  private isTaken(pipe: Pipe): boolean {
    return (
      (pipe.side !== null || pipe.isDead) &&
      !pipe.isUnread &&
      !this.stopped.has(pipe.to) &&
      !this.cuts.has(`${pipe.from}>${pipe.to}`)
    );
  }

  private transmit(pipe: Pipe, bytes: Uint8Array | null, connection: Connection): void {
    const atMs = Math.max(this.kernel.nowMs + this.latency(), pipe.lastAtMs + 0.001);
    pipe.lastAtMs = atMs;
    this.kernel.after(atMs - this.kernel.nowMs, `${pipe.from}>${pipe.to} ${bytes?.length ?? "end"}`, () => {
      if (!connection.isOpen) return;
      if (pipe.held.length > 0 || !this.isTaken(pipe)) pipe.held.push(bytes);
      else this.take(pipe, bytes, connection);
    });
  }

  private take(pipe: Pipe, bytes: Uint8Array | null, connection: Connection): void {
    if (pipe.isDead) {
      // A machine that is up knows nothing of this connection and says so.
      if (bytes === null) connection.forget();
      else if (!this.down.has(pipe.to)) this.refuse(pipe, connection);
      return;
    }
    if (bytes === null) {
      const { side } = pipe;
      pipe.side = null;
      pipe.isDead = true;
      side?.closed("hung up");
      connection.forget();
      return;
    }
    const back = connection.pipes[connection.pipes[0] === pipe ? 1 : 0]!;
    const wasFull = pipe.inFlight > WINDOW_BYTES;
    pipe.inFlight -= bytes.length;
    pipe.side?.received(bytes);
    if (wasFull) back.side?.drained();
  }

  private refuse(pipe: Pipe, connection: Connection): void {
    const back = connection.pipes[connection.pipes[0] === pipe ? 1 : 0]!;
    const { side } = back;
    back.side = null;
    back.isDead = true;
    connection.forget();
    side?.closed("connection reset");
  }

  private latency(): number {
    const { minLatencyMs, maxLatencyMs } = this.options;
    // Mostly quick, at times slow.
    const fraction = this.random.fraction();
    return minLatencyMs + (maxLatencyMs - minLatencyMs) * fraction * fraction * fraction;
  }
}

function pipe(from: string, to: string): Pipe {
  return { from, to, side: null, isDead: false, isUnread: false, lastAtMs: 0, inFlight: 0, held: [] };
}
