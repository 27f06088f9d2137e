/**
 * What the server holds at most, each limit with its reason. Those that an operator can set are in the config table;
 * these are fixed. At a limit the server pushes back or closes that connection, it never grows.
 */

/** With this much output unsent, a connection's requests are left unread: its client does not read the replies. */
export const CONNECTION_OUTPUT_BYTES_PAUSE = 4 * 1024 * 1024;

/** With this much output unsent, the connection is closed: watch events can't be held back, and memory is not endless. */
export const CONNECTION_OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * With this many reads behind a write that is not durable yet, a connection's requests are left unread. They are answered
 * all at once, each with up to jute.maxbuffer bytes, which nothing can hold back.
 */
export const CONNECTION_WAITING_READS_MAX = 64;

/** Output memory that a connection keeps for its next replies; what is larger goes back once it is sent. */
export const CONNECTION_OUTPUT_BYTES_KEPT = 64 * 1024;

/** With this much of the txn log in flight, no more requests are read: the disk is slower than the clients. */
export const LOG_BYTES_IN_FLIGHT_MAX = 32 * 1024 * 1024;
