export { HostLookup } from "./host-lookup.js";
export { LinkServer, type LinkServerOptions } from "./link-server.js";
export type { SocketUpgrade } from "./socket-upgrade.js";
export { TcpDialer } from "./tcp-dialer.js";
export { TcpLinks } from "./tcp-links.js";
