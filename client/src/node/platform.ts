import { randomUUID } from "node:crypto";
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns";
import { connect as connectTcp, type LookupFunction, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { ServerAddress } from "../core/connect-string.js";
import type { Connection, ConnectionHandler, Platform } from "../promise/platform.js";

/**
 * TLS as Node has it: `ca`, `cert`, `key` in PEM, or `pfx` with `passphrase` for PKCS12. The server's certificate must be
 * trusted and be for the name in the connect string, unless `rejectUnauthorized` or `checkServerIdentity` say otherwise.
 */
export type TlsOptions = Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "lookup">;

/** Node's clock, timers and sockets. Without `tls` connections are plain TCP. */
export function nodePlatform(options: { readonly tls?: TlsOptions | undefined } = {}): Platform {
  return {
    now: () => performance.now(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, Math.ceil(delayMs));
      return () => clearTimeout(timer);
    },
    defer: (callback) => process.nextTick(callback),
    random: Math.random,
    uuid: randomUUID,
    connect: (server, handler) => openConnection(server, handler, options.tls),
  };
}

function openConnection(server: ServerAddress, handler: ConnectionHandler, tls: TlsOptions | undefined): Connection {
  const { host, port } = server;
  const options = { host, port, noDelay: true, keepAlive: true, lookup: lookupShuffled, autoSelectFamily: true };
  const socket: Socket = tls === undefined ? connectTcp(options) : connectTls({ ...tls, ...options });
  let isClosed = false;
  let reason = "closed by the server";
  socket.on(tls === undefined ? "connect" : "secureConnect", () => {
    if (!isClosed) handler.opened();
  });
  socket.on("data", (chunk: Uint8Array) => {
    if (!isClosed) handler.received(chunk);
  });
  socket.on("drain", () => {
    if (!isClosed) handler.drained();
  });
  socket.on("error", (error) => {
    reason = messageOf(error);
  });
  socket.on("close", () => {
    if (isClosed) return;
    isClosed = true;
    handler.closed(reason);
  });
  return {
    write: (bytes) => socket.write(bytes),
    close() {
      isClosed = true;
      socket.destroy();
    },
  };
}

/** Asks the resolver anew for each attempt, and begins with any of the addresses, as many clients share the first one. */
const lookupShuffled: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    for (let i = addresses.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [addresses[i], addresses[j]] = [addresses[j], addresses[i]];
    }
    if (options.all) callback(null, addresses);
    else callback(null, addresses[0].address, addresses[0].family);
  });
};

/** Of a name with several addresses, Node tells the failures one by one. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((cause: Error) => cause.message).join(", ");
  return error.message;
}
