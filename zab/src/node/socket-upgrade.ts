import type { Socket } from "node:net";

/**
 * What is done with a connection between servers before it carries anything else: TLS, SASL, or both.
 * @param side - whether the other server has connected to us, or we to it
 * @returns the socket to be used from then on, which may be another one over the same connection; rejects if the other
 * side is not who it should be. Its time is limited by the caller, who destroys the socket.
 */
export type SocketUpgrade = (socket: Socket, side: "accepting" | "connecting") => Promise<Socket>;
