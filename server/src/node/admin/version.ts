/** The ZooKeeper release whose behaviour this server has. */
export const ZOOKEEPER_VERSION = "3.9.5";
/** This server's own version; the same as in its package.json, which a test checks. */
export const QUOLL_VERSION = "0.1.0";

/**
 * The date of this version. ZooKeeper puts its build time here, and clients parse the place; a build here has no time of
 * its own, since it would not be reproducible.
 */
export const RELEASE_DATE = "2026-11-22 00:00 UTC";

/**
 * `3.9.5-quoll0.1.0, built on 2026-11-22 00:00 UTC`: where ZooKeeper has its commit's hash stands who we are. Clients look
 * for `major.minor.patch` at the front, and take the rest as it comes up to the comma.
 */
export const FULL_VERSION = `${ZOOKEEPER_VERSION}-quoll${QUOLL_VERSION}, built on ${RELEASE_DATE}`;
