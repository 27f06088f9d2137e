import type { HostPort, QuorumConfig } from "./quorum-config.js";

/**
 * Everything that the server reads from its configuration, checked, with defaults filled in. Frozen. Each field has the
 * name of its key; the table in config-table.ts says what it means and why.
 */
export interface QuollConfig {
  /** The file as it was given, or null for the embedded default and for `PORT DATADIR`. */
  readonly configFile: string | null;
  /** The text of that file as it was read, or `""`: what ZooKeeper's `initial_configuration` shows. */
  readonly configText: string;
  /** From `myid` in dataDir, or null when there is none. */
  readonly myid: number | null;
  readonly quorum: QuorumConfig;
  /** How this server takes part in its ensemble; null when it serves alone. */
  readonly ensemble: EnsembleConfig | null;

  readonly clientAddress: HostPort;
  /** 0 or less: what the runtime takes by itself. */
  readonly clientPortListenBacklog: number;
  readonly clientTcpKeepAlive: boolean;
  /** Per client address; 0 or less for any number. */
  readonly maxClientCnxns: number;
  /** In total; 0 for any number. */
  readonly maxCnxns: number;
  readonly sessionlessCnxnTimeoutMs: number;

  /** Absolute. Holds `version-2` with the snapshots, and myid. */
  readonly dataDir: string;
  /** Absolute. Holds `version-2` with the txn logs. */
  readonly dataLogDir: string;
  readonly datadirAutocreate: boolean;
  readonly dbAutocreate: boolean;

  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;

  readonly log: LogConfig;
  readonly snapshot: SnapshotConfig;
  readonly autopurge: AutopurgeConfig;

  /** The largest request in bytes. */
  readonly juteMaxBufferBytes: number;
  /** How much larger than that a txn in the log may be. */
  readonly juteMaxBufferExtraBytes: number;
  /** While more requests than this wait for the disk, no connection is read. */
  readonly globalOutstandingLimit: number;
  readonly connectionThrottle: ConnectionThrottleConfig;

  readonly extendedTypesEnabled: boolean;
  readonly emulate353TTLNodes: boolean;
  /** Encoded lists of children that are kept for the next who asks; 0 for none. */
  readonly childrenListsMax: number;
  readonly container: ContainerConfig;
  readonly closeSessionTxnEnabled: boolean;
  readonly digestEnabled: boolean;
  /** Start although the digest of the replayed tree is not the logged one. */
  readonly acceptDigestMismatch: boolean;
  readonly enforceQuota: boolean;

  readonly auth: AuthConfig;
  readonly reconfigEnabled: boolean;
  readonly readOnlyModeEnabled: boolean;
  /** The four-letter words that are answered; `srvr` is always among them. */
  readonly fourLetterWords: ReadonlySet<string>;

  /**
   * The effective Java system properties by their full names, `-D` and zoo.cfg's together. Some hold secrets: never log
   * them, and show them only through {@link redactedProperties}.
   */
  readonly properties: ReadonlyMap<string, string>;
}

/** One server's part in an ensemble. Limits are in ticks. */
export interface EnsembleConfig {
  readonly myid: number;
  readonly isObserver: boolean;
  readonly initLimit: number;
  readonly syncLimit: number;
  /** 0: as {@link initLimit}. */
  readonly connectToLearnerMasterLimit: number;
  readonly cnxTimeoutMs: number;
  readonly minNotificationIntervalMs: number;
  readonly maxNotificationIntervalMs: number;
  /** 0: for ever. */
  readonly electionPortBindRetry: number;
  readonly quorumListenOnAllIPs: boolean;
  readonly multiAddress: boolean;
  readonly standaloneEnabled: boolean;
  readonly leaderServes: boolean;
  /** 0: none. */
  readonly observerMasterPort: number;
  readonly maxConcurrentSnapSyncs: number;
  readonly maxConcurrentDiffSyncs: number;
  readonly commitLogCount: number;
  readonly snapshotSizeFactor: number;
  readonly forceSnapshotSync: boolean;
  readonly localSessionsEnabled: boolean;
  readonly localSessionsUpgradingEnabled: boolean;
  readonly oraclePath: string | null;
}

/** The txn log. */
export interface LogConfig {
  /** False: acknowledged writes may be lost when the power fails. */
  readonly forceSync: boolean;
  readonly fsyncWarningThresholdMs: number;
  readonly preAllocSizeBytes: number;
  /** With less than this free on the txn log's disk, writes wait; 0: the disk may be filled, which ends the server. */
  readonly reserveBytes: number;
  /** A new file begins above this; null for no limit. */
  readonly sizeLimitBytes: number | null;
}

export interface SnapshotConfig {
  /** A snapshot is taken after between half of and all of this many txns. */
  readonly snapCount: number;
  /** The same in bytes of log; null for no limit. */
  readonly snapSizeBytes: number | null;
  readonly compression: "none" | "gz" | "snappy";
  readonly trustEmpty: boolean;
  /** Whether the lastProcessedZxid section is written. */
  readonly serializeLastProcessedZxid: boolean;
}

export interface AutopurgeConfig {
  /** At least 3. */
  readonly snapRetainCount: number;
  /** 0 or less: never. */
  readonly purgeIntervalHours: number;
}

/** Token bucket and BLUE for new sessions. Tokens and fill count are per kind of weight 1; 0 tokens turn it off. */
export interface ConnectionThrottleConfig {
  readonly tokens: number;
  readonly fillTimeMs: number;
  readonly fillCount: number;
  /** Negative: the drop probability is never adapted. */
  readonly freezeTimeMs: number;
  readonly dropIncrease: number;
  readonly dropDecrease: number;
  readonly decreaseRatio: number;
  readonly weightEnabled: boolean;
  readonly globalSessionWeight: number;
  readonly localSessionWeight: number;
  readonly renewSessionWeight: number;
}

/** The reaper of empty containers and expired TTL znodes. */
export interface ContainerConfig {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
  /** 0: a container that never had a child is not deleted. */
  readonly maxNeverUsedIntervalMs: number;
}

export interface AuthConfig {
  readonly skipACL: boolean;
  /** The Java class names of further authentication providers, from authProvider.N. */
  readonly authProviders: readonly string[];
  readonly digestEnabled: boolean;
  /** As Java names it: `SHA1`, `SHA-256`, … */
  readonly digestAlg: string;
  /** `super:<base64 hash>`, or null. Secret. */
  readonly superDigest: string | null;
  /** The names that clients of the ensemble scheme may give, separated by commas, or null. */
  readonly ensembleAuthName: string | null;
  /** Whether a client must authenticate by one of the schemes before its first request. */
  readonly enforceAuthEnabled: boolean;
  readonly enforceAuthSchemes: readonly string[];
  /** sessionRequireClientSASLAuth, which also enforces the scheme sasl. */
  readonly sessionRequireClientSASLAuth: boolean;
}
