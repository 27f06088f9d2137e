import { createHash } from "node:crypto";

/** One configuration of the servers, and which parts of the protocol the scripts for it use. */
export interface Profile {
  readonly name: string;
  readonly cfg: Readonly<Record<string, string | number>>;
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Writes are not pipelined: Java checks quotas against what was applied, not against what is under way. */
  readonly enforcesQuota?: boolean;
  /** `jute.maxbuffer`, when it is small enough to be reached. */
  readonly bufferMax?: number;
  /** Sessions may be left to expire, containers and TTL nodes to be removed. */
  readonly hasClockSteps?: boolean;
}

export const SUPER_AUTH = "super:secret";

export function digestId(userAndPassword: string): string {
  const hash = createHash("sha1").update(userAndPassword, "latin1").digest("base64");
  return `${userAndPassword.split(":", 1)[0]}:${hash}`;
}

const COMMON: Readonly<Record<string, string | number>> = {
  tickTime: 250,
  // Sessions must outlive the run even while nobody pings for them; only those meant to expire ask for less.
  maxSessionTimeout: 3_600_000,
  maxClientCnxns: 0,
  // The comparison waits for every reply, so a real fsync each time would only slow it down.
  forceSync: "no",
  "4lw.commands.whitelist": "*",
  "DigestAuthenticationProvider.superDigest": digestId(SUPER_AUTH),
};

/** Nothing is removed behind the script's back; profiles with clock steps shorten it. */
const QUIET = { "znode.container.checkIntervalMs": 3_600_000 };

export const PROFILES: readonly Profile[] = [
  { name: "default", cfg: COMMON, properties: QUIET },
  {
    name: "extended",
    cfg: { ...COMMON, extendedTypesEnabled: "true", enforceQuota: "true" },
    properties: QUIET,
    enforcesQuota: true,
  },
  { name: "ttl", cfg: { ...COMMON, extendedTypesEnabled: "true" }, properties: QUIET },
  { name: "skip-acl", cfg: { ...COMMON, skipACL: "yes" }, properties: QUIET },
  { name: "small-buffer", cfg: COMMON, properties: { ...QUIET, "jute.maxbuffer": 2048 }, bufferMax: 2048 },
  {
    name: "no-close-txn",
    cfg: { ...COMMON, "closeSessionTxn.enabled": "false", "digest.enabled": "false" },
    properties: QUIET,
  },
  {
    name: "clock",
    cfg: { ...COMMON, extendedTypesEnabled: "true" },
    properties: { "znode.container.checkIntervalMs": 500 },
    hasClockSteps: true,
  },
];
