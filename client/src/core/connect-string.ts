import { QuollError } from "@quoll/jute";

/** One server of a connect string. */
export interface ServerAddress {
  /** A name or an address; of an IPv6 address without the brackets. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port: number;
}

/** A connect string, taken apart. */
export interface ConnectString {
  /** At least one, in the order of the string. */
  readonly servers: readonly ServerAddress[];
  /** Stands before every path; "" if there is none. */
  readonly chroot: string;
}

/** A connect string that cannot be understood. */
export class ConnectStringError extends QuollError {
  /** Always the same. */
  readonly code = "CONNECT_STRING";
}

const DEFAULT_PORT = 2181;

/**
 * Parses `host:port,host:port/chroot`. Ports default to 2181; IPv6 addresses stand in brackets.
 * @throws {@link ConnectStringError}
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf("/");
  const hosts = slash < 0 ? text : text.slice(0, slash);
  const chroot = slash < 0 || slash === text.length - 1 ? "" : text.slice(slash);
  const servers: ServerAddress[] = [];
  for (const part of hosts.split(",")) if (part.trim() !== "") servers.push(parseServer(part.trim()));
  if (servers.length === 0) {
    throw new ConnectStringError(
      `connect string ${JSON.stringify(text)} names no server; expected host:port,host:port`,
    );
  }
  return { servers, chroot };
}

function parseServer(text: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (match === null || port < 1 || port > 65_535) {
    throw new ConnectStringError(
      `${JSON.stringify(text)} is not a server; expected host:port with a port from 1 to 65535, IPv6 in brackets`,
    );
  }
  return { host: (match[1] ?? match[2]) as string, port };
}
