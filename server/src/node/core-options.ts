import { createHash, randomBytes } from "node:crypto";
import { AclChecker } from "../core/acl/acl-checker.js";
import { AuthenticationProviders } from "../core/acl/authentication-providers.js";
import { EnforcedAuthentication } from "../core/acl/enforced-authentication.js";
import type { Hashes, Random } from "../core/capabilities.js";
import type { ServerCoreOptions } from "../core/server-core.js";
import type { DataTree } from "../core/tree/data-tree.js";
import type { QuollConfig } from "./config/quoll-config.js";

/** Who may do what in this tree, as the configuration says. @throws Error for schemes that nobody provides */
export function aclChecker(config: QuollConfig, tree: DataTree): AclChecker {
  const providers = new AuthenticationProviders(authenticationOptions(config), hashes);
  const enforced = new EnforcedAuthentication({
    sessionRequireClientSaslAuth: config.auth.sessionRequireClientSASLAuth,
    enforceAuthEnabled: config.auth.enforceAuthEnabled,
    enforceAuthSchemes: config.auth.enforceAuthSchemes.join(","),
  });
  const problem = enforced.problem(providers);
  if (problem !== null) throw new Error(problem);
  return new AclChecker(providers, enforced, tree.acls, config.auth.skipACL);
}

/** The machine's. */
export const random: Random = { int32: () => randomBytes(4).readInt32BE() };

const hashes: Hashes = {
  digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
};

function authenticationOptions(config: QuollConfig) {
  const { auth, properties } = config;
  return {
    digestEnabled: auth.digestEnabled,
    digestAlg: auth.digestAlg,
    superDigest: auth.superDigest,
    ensembleEnabled: auth.authProviders.some((name) => name.endsWith(".EnsembleAuthenticationProvider")),
    ensembleAuthName: auth.ensembleAuthName,
    saslEnabled: auth.authProviders.some((name) => name.endsWith(".SASLAuthenticationProvider")),
    letAnySaslUserDoX: properties.get("zookeeper.letAnySaslUserDoX") ?? null,
  };
}

/** What the configuration says of the core. */
export function coreOptions(config: QuollConfig): ServerCoreOptions {
  return {
    // As ZooKeeper's standalone server numbers its sessions, although it shows its id as 0.
    serverId: config.ensemble?.myid ?? 1,
    tickTimeMs: config.tickTimeMs,
    minSessionTimeoutMs: config.minSessionTimeoutMs,
    maxSessionTimeoutMs: config.maxSessionTimeoutMs,
    maxClientCnxns: config.maxClientCnxns,
    maxCnxns: config.maxCnxns,
    globalOutstandingLimit: outstandingLimit(config),
    juteMaxBuffer: config.juteMaxBufferBytes,
    txnBytesMax: config.juteMaxBufferBytes + config.juteMaxBufferExtraBytes,
    sessionlessTimeoutMs: config.sessionlessCnxnTimeoutMs,
    containerCheckIntervalMs: config.container.checkIntervalMs,
    containerMaxPerMinute: config.container.maxPerMinute,
    containerMaxNeverUsedMs: config.container.maxNeverUsedIntervalMs,
    connectionThrottle: config.connectionThrottle,
    localSessionsEnabled: config.ensemble?.localSessionsEnabled ?? false,
    localSessionsUpgradingEnabled: config.ensemble?.localSessionsUpgradingEnabled ?? false,
    digestEnabled: config.digestEnabled,
    extendedTypesEnabled: config.extendedTypesEnabled,
    enforceQuota: config.enforceQuota,
    reconfigEnabled: config.reconfigEnabled,
    closeSessionTxnEnabled: config.closeSessionTxnEnabled,
  };
}

/** In an ensemble each server takes its share, as with ZooKeeper: all that they let through meets at the leader. */
function outstandingLimit({ globalOutstandingLimit, quorum, ensemble }: QuollConfig): number {
  const participants = quorum.members.filter((member) => member.type === "participant").length;
  return ensemble === null || participants <= 2
    ? globalOutstandingLimit
    : Math.max(1, Math.floor(globalOutstandingLimit / (participants - 1)));
}
