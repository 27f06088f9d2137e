import { type Connection as ClientConnection, ConnectionState } from "@quoll/server/core/connection";
import type { ServerCore } from "@quoll/server/core/server-core";
import type { Connection } from "../network/network.js";
import type { LinkHost } from "./sim-link.js";

/** The clients' connections of one server, with the shape of production's. */
export class ClientPort {
  private core: ServerCore | null = null;
  private readonly sockets = new Map<ClientConnection, Connection>();
  private readonly notRead = new Set<ClientConnection>();
  private nextPort = 10_000;

  constructor(private readonly host: LinkHost) {}

  serve(core: ServerCore | null): void {
    for (const socket of this.sockets.values()) socket.close(1);
    this.sockets.clear();
    this.notRead.clear();
    this.core = core;
  }

  accept(socket: Connection): void {
    const { core, host } = this;
    const connection = core?.connected("10.0.0.1", this.nextPort++) ?? null;
    if (core === null || connection === null) {
      socket.close(1);
      return;
    }
    this.sockets.set(connection, socket);
    socket.listen(1, {
      received: (bytes) =>
        host.event("client bytes", () => {
          if (!this.sockets.has(connection)) return;
          core.received(connection, bytes);
          if (!takesInput(connection) && connection.input !== null) {
            socket.setUnread(1, true);
            this.notRead.add(connection);
          }
        }),
      drained: () =>
        host.event("client drained", () => {
          connection.unsentBytes = socket.unsentBytes(1);
          core.drained(connection);
        }),
      closed: () =>
        host.event("client closed", () => {
          this.sockets.delete(connection);
          this.notRead.delete(connection);
          core.disconnected(connection);
        }),
    });
  }

  flush(): void {
    const { core } = this;
    if (core === null) return;
    const { dirty } = core.effects;
    for (const connection of dirty) this.send(core, connection);
    dirty.length = 0;
    for (const connection of this.notRead) {
      if (!takesInput(connection)) continue;
      this.notRead.delete(connection);
      this.sockets.get(connection)?.setUnread(1, false);
    }
  }

  private send(core: ServerCore, connection: ClientConnection): void {
    connection.dirty = false;
    const socket = this.sockets.get(connection);
    if (socket === undefined) return;
    const { out } = connection;
    if (out.at > 0) {
      socket.send(1, out.take());
      connection.unsentBytes = socket.unsentBytes(1);
      out.reset();
    }
    if (connection.state !== ConnectionState.closing) return;
    this.sockets.delete(connection);
    this.notRead.delete(connection);
    socket.close(1);
    core.disconnected(connection);
  }
}

function takesInput(connection: ClientConnection): boolean {
  return !connection.paused && connection.state !== ConnectionState.connecting;
}
