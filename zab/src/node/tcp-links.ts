import type { Socket } from "node:net";
import { Writer } from "@quoll/jute";
import type { Link, LinkHandler } from "../core/index.js";

/** Output memory that a link keeps for the next turn; what is larger goes back once it is sent. */
const OUTPUT_BYTES_KEPT = 64 * 1024;

/** How long a link that ends has for what is still to be sent. */
const LINGER_MS = 5_000;

/**
 * The sockets between servers. Their bytes go to the handlers as they come; what handlers write leaves once per turn, in
 * one write per socket.
 */
export class TcpLinks {
  private dirty: TcpLink[] = [];
  private spare: TcpLink[] = [];
  private readonly open = new Set<TcpLink>();

  /**
   * @param beginTurn - called before a handler is called: it tells the core the time, and sees to it that {@link flush}
   * is called when the turn ends
   */
  constructor(readonly beginTurn: () => void) {}

  /** How many links there are. */
  get size(): number {
    return this.open.size;
  }

  /** Makes a link of a connected socket. `owned` is called at once, within a turn. */
  attach(socket: Socket, owned: (link: Link) => LinkHandler): void {
    this.beginTurn();
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || socket.destroyed) {
      // It is gone already.
      socket.on("error", ignore);
      socket.destroy();
      return;
    }
    const link = new TcpLink(this, socket, withoutIpv4Prefix(remoteAddress));
    this.open.add(link);
    link.listen(owned(link));
  }

  /** Sends what the turn has written. */
  flush(): void {
    const links = this.dirty;
    this.dirty = this.spare;
    this.spare = links;
    for (let i = 0; i < links.length; i++) links[i].flush();
    links.length = 0;
  }

  /** Ends all links at once; no handler is called any more. */
  close(): void {
    for (const link of [...this.open]) link.close("now");
  }

  /** @internal */
  isOpen(link: TcpLink): boolean {
    return this.open.has(link);
  }

  /** @internal */
  touched(link: TcpLink): void {
    this.dirty.push(link);
  }

  /** @internal */
  gone(link: TcpLink): void {
    this.open.delete(link);
  }
}

class TcpLink implements Link {
  out = new Writer();
  unsentBytes = 0;
  private handler: LinkHandler | null = null;
  private isDirty = false;
  private isEnding = false;
  private reason = "the other side has hung up";
  /** Bound once: it is handed to each write. */
  private readonly written = (): void => this.kernelHasTaken();

  constructor(
    private readonly links: TcpLinks,
    private readonly socket: Socket,
    readonly remoteAddress: string,
  ) {}

  listen(handler: LinkHandler): void {
    const { socket, links } = this;
    // It may have been closed by its owner before it had a handler.
    if (!links.isOpen(this)) return;
    this.handler = handler;
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.on("data", (chunk: Buffer) => {
      // A turn begins with the time, and what that ends may close this link.
      links.beginTurn();
      if (this.handler === null) return;
      // A plain view: a Buffer's slice() does not copy, and the core relies on slices being copies.
      this.handler.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.reason = error.code ?? error.message;
    });
    // The other side has ended its half: there is nobody to talk to any more.
    socket.on("end", () => this.ended());
    socket.on("close", () => this.ended());
    // Whoever upgraded it may have paused it.
    socket.resume();
  }

  touch(): void {
    if (this.isDirty || this.isEnding) return;
    this.isDirty = true;
    this.links.touched(this);
  }

  close(after: "sent" | "now" = "now"): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.handler = null;
    this.links.gone(this);
    this.socket.on("error", ignore);
    if (after === "sent") {
      this.send();
      this.socket.destroySoon();
      // Nothing is read any more, but what comes must not keep the socket open.
      this.socket.resume();
      setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
    } else {
      this.socket.destroy();
    }
  }

  flush(): void {
    this.isDirty = false;
    if (!this.isEnding) this.send();
  }

  private send(): void {
    const { out } = this;
    if (out.at === 0 || this.socket.destroyed) return;
    this.socket.write(Buffer.from(out.bytes.buffer, out.bytes.byteOffset, out.at), this.written);
    const { writableLength } = this.socket;
    // Whoever writes much at once waits to be told that it was taken, also when the kernel takes it at once.
    this.unsentBytes = writableLength === 0 && out.at > OUTPUT_BYTES_KEPT ? out.at : writableLength;
    // What the kernel has taken at once can be written over; what it has not is the socket's until it is sent.
    if (writableLength === 0 && out.bytes.length <= OUTPUT_BYTES_KEPT) out.reset();
    else this.out = new Writer();
  }

  private kernelHasTaken(): void {
    if (this.unsentBytes === 0) return;
    this.unsentBytes = this.socket.writableLength;
    this.links.beginTurn();
    this.handler?.drained();
  }

  private ended(): void {
    if (this.handler === null) return;
    this.links.beginTurn();
    const { handler } = this;
    if (handler === null) return;
    this.handler = null;
    this.isEnding = true;
    this.links.gone(this);
    this.socket.destroy();
    handler.closed(this.reason);
  }
}

/** An IPv4 address that came in on an IPv6 socket, as IPv4. */
function withoutIpv4Prefix(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

function ignore(): void {}
