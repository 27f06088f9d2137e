/**
 * What the server holds at most, each limit with its reason. Those that an operator can set are in the config table;
 * these are fixed. At a limit the server pushes back or closes that connection, it never grows.
 */

/** A zxid is kept as a number, so its epoch must leave the sum below 2^53. No ensemble gets near it in its lifetime. */
export const EPOCH_MAX = 2 ** 21 - 1;
