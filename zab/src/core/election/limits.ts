/** What the election port holds and how long it waits, each with its reason. */

/** Bytes of one message: ZooKeeper's own limit. */
export const MESSAGE_MAX = 512 * 1024;

/** How long a new connection may take to say who it is. It is the first thing that every server sends. */
export const HELLO_TIMEOUT_MS = 2000;

/**
 * Connections that have not said who they are, in all and from one address. A server says it at once, so that above the
 * limit the oldest goes: whoever floods the port throws out only silence.
 */
export const UNPROVEN_LINKS_MAX = 256;
export const UNPROVEN_LINKS_PER_ADDRESS_MAX = 64;

/**
 * The first wait before a peer is dialed again, and the longest; it doubles. The first is also the least time between two
 * dials, and short: a process that is ending may take a call and reset it, and only the next one is refused.
 */
export const REDIAL_MIN_MS = 20;
export const REDIAL_MAX_MS = 5000;

/**
 * While a leader is looked for, a link on which nothing has come for so long is made anew: after a partition, what TCP
 * still has to send may take minutes.
 */
export const RENEW_SILENT_LINK_MS = 5000;

/** Within this time a link is not replaced because somebody says hello in its server's name. */
export const DIAL_BACK_INTERVAL_MS = 1000;

/** Warnings about what strangers send, within an interval; more are told at debug level only. */
export const WARNINGS_MAX = 10;
export const WARNINGS_INTERVAL_MS = 10_000;

/** ZooKeeper's wait for a better vote once a quorum agrees. */
export const FINALIZE_WAIT_MS = 200;

/** The same where no better vote can come but from a server that starts at this moment. */
export const FINALIZE_WAIT_SHORT_MS = 10;
