import { Writer } from "@quoll/jute";
import type { Dialer, HostPort, Link, LinkHandler } from "@quoll/zab";
import type { Connection, Network } from "../network/network.js";

/** The process whose links they are. */
export interface LinkHost {
  readonly name: string;
  readonly network: Network;
  /** Something happens to the process, now or, if it stands still, later; never if it is gone. */
  event(what: string, run: () => void): void;
  /** It is about to send this. */
  sending(bytes: Uint8Array, port: "quorum" | "election"): void;
}

/** The links of one process: what its handlers write leaves once per turn. */
export class SimLinks {
  private dirty: SimLink[] = [];

  constructor(readonly host: LinkHost) {}

  attach(connection: Connection, end: 0 | 1, port: "quorum" | "election", owned: (link: Link) => LinkHandler): void {
    const link = new SimLink(this, connection, end, port);
    link.listen(owned(link));
  }

  flush(): void {
    const links = this.dirty;
    this.dirty = [];
    for (const link of links) link.flush();
  }

  /** @internal */
  touched(link: SimLink): void {
    this.dirty.push(link);
  }
}

class SimLink implements Link {
  readonly out = new Writer();
  unsentBytes = 0;
  private handler: LinkHandler | null = null;
  private isDirty = false;
  private isEnding = false;

  constructor(
    private readonly links: SimLinks,
    private readonly connection: Connection,
    private readonly end: 0 | 1,
    private readonly port: "quorum" | "election",
  ) {}

  get remoteAddress(): string {
    return this.connection.pipes[this.end]!.to;
  }

  listen(handler: LinkHandler): void {
    if (this.isEnding) return;
    const { host } = this.links;
    this.handler = handler;
    this.connection.listen(this.end, {
      received: (bytes) => host.event("link bytes", () => this.handler?.received(bytes)),
      drained: () =>
        host.event("link drained", () => {
          if (this.unsentBytes === 0) return;
          this.unsentBytes = this.connection.unsentBytes(this.end);
          this.handler?.drained();
        }),
      closed: (reason) =>
        host.event("link closed", () => {
          const gone = this.handler;
          this.handler = null;
          this.isEnding = true;
          gone?.closed(reason);
        }),
    });
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
    if (after === "sent") this.send();
    this.connection.close(this.end);
  }

  flush(): void {
    this.isDirty = false;
    if (!this.isEnding) this.send();
  }

  private send(): void {
    const { out, connection, end } = this;
    if (out.at === 0) return;
    const bytes = out.take();
    out.reset();
    this.links.host.sending(bytes, this.port);
    connection.send(end, bytes);
    this.unsentBytes = connection.unsentBytes(end);
  }
}

/** Connects to other servers, trying their addresses one after another. */
export class SimDialer implements Dialer {
  constructor(
    private readonly links: SimLinks,
    private readonly portOf: (address: HostPort) => "quorum" | "election",
  ) {}

  dial(
    addresses: readonly HostPort[],
    timeoutMs: number,
    connected: (link: Link) => LinkHandler,
    failed: (reason: string) => void,
  ): () => void {
    const { links } = this;
    const { host } = links;
    let isOver = false;
    const [address] = addresses;
    if (address === undefined) {
      host.event("dial", () => {
        if (!isOver) failed("there is no address");
      });
      return () => {
        isOver = true;
      };
    }
    const stop = host.network.connect(
      host.name,
      `${address.host}:${address.port}`,
      timeoutMs,
      (connection) =>
        host.event("dialed", () => {
          if (isOver) connection.close(0);
          else links.attach(connection, 0, this.portOf(address), connected);
        }),
      (reason) =>
        host.event("dial failed", () => {
          if (!isOver) failed(reason);
        }),
    );
    return () => {
      isOver = true;
      stop();
    };
  }
}
