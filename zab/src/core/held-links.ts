import type { Link, LinkHandler } from "./link.js";

/** What a link may bring before it is served: a learner says one packet and then waits. */
const HELD_BYTES_MAX = 4096;
/** How long it waits: an election that is about to end takes much less. */
const HELD_MS = 5000;

/** A link whose handler is found later. */
class HeldLink implements LinkHandler {
  owner: LinkHandler | null = null;
  bytes: Uint8Array = new Uint8Array(0);

  constructor(
    readonly link: Link,
    readonly sinceMs: number,
    private readonly links: Set<HeldLink>,
  ) {}

  received(bytes: Uint8Array): void {
    if (this.owner !== null) {
      this.owner.received(bytes);
      return;
    }
    const all = new Uint8Array(this.bytes.length + bytes.length);
    all.set(this.bytes);
    all.set(bytes, this.bytes.length);
    this.bytes = all;
    if (all.length > HELD_BYTES_MAX) this.drop();
  }

  drained(): void {
    this.owner?.drained();
  }

  closed(reason: string): void {
    if (this.owner !== null) this.owner.closed(reason);
    else this.links.delete(this);
  }

  drop(): void {
    this.links.delete(this);
    this.link.close("now");
  }
}

/**
 * Connections to the quorum port of a server that does not lead yet. Followers may know the result of an election a
 * moment earlier than their leader: they need not come back for that.
 */
export class HeldLinks {
  private readonly links = new Set<HeldLink>();

  constructor(private readonly max: number) {}

  hold(link: Link, nowMs: number): LinkHandler {
    for (const oldest of this.links) {
      if (this.links.size < this.max) break;
      oldest.drop();
    }
    const held = new HeldLink(link, nowMs, this.links);
    this.links.add(held);
    return held;
  }

  /** This server leads: whoever waits is served. */
  adopt(serve: (link: Link) => LinkHandler): void {
    const waiting = [...this.links];
    this.links.clear();
    for (const held of waiting) {
      held.owner = serve(held.link);
      if (held.bytes.length > 0) held.owner.received(held.bytes);
    }
  }

  /** Another one leads. */
  dropAll(): void {
    for (const held of [...this.links]) held.drop();
  }

  get nextDeadlineMs(): number {
    for (const oldest of this.links) return oldest.sinceMs + HELD_MS;
    return Number.POSITIVE_INFINITY;
  }

  tick(nowMs: number): void {
    for (const held of this.links) {
      if (nowMs < held.sinceMs + HELD_MS) break;
      held.drop();
    }
  }
}
