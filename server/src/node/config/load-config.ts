import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError, type SettingSource } from "./config-error.js";
import { environmentFlags, parseJvmFlags } from "./jvm-flags.js";
import { parseProperties } from "./properties.js";
import type {
  AuthConfig,
  ConnectionThrottleConfig,
  EnsembleConfig,
  LogConfig,
  QuollConfig,
  SnapshotConfig,
} from "./quoll-config.js";
import { type HostPort, parseQuorum, type QuorumConfig, versionOfFileName } from "./quorum-config.js";
import { type ConfigNotice, Settings } from "./settings.js";

/** Where a configuration comes from. */
export interface ConfigSources {
  /**
   * Words of the command line: `-D` properties and JVM flags anywhere, then nothing, `zoo.cfg`, or
   * `PORT DATADIR [TICKTIME [MAXCNXNS]]`. A whole java command line of ZooKeeper's main classes is taken too.
   */
  readonly words: readonly string[];
  /** SERVER_JVMFLAGS and JVMFLAGS are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfig {
  readonly config: QuollConfig;
  /** What the operator should know, for the log. */
  readonly notices: readonly ConfigNotice[];
}

/** Loopback only: without a configuration nobody has said who may connect. */
const EMBEDDED_DEFAULT = { clientPort: "2181", clientPortAddress: "127.0.0.1", dataDir: "data" };

const COMMAND_LINE: SettingSource = { file: "command line", line: 0 };

/**
 * Reads the configuration as ZooKeeper does, and checks every value of it.
 * @throws {@link ConfigError} a file that cannot be read, or a value that is wrong
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { settings, config } = load(sources);
  return { config, notices: settings.notices };
}

/** {@link loadConfig} with the settings behind it, for the test that holds the table against the code. */
export function load(sources: ConfigSources): { settings: Settings; config: QuollConfig } {
  const settings = new Settings();
  const environment = environmentFlags(sources.env);
  const commandLine = parseJvmFlags(sources.words, COMMAND_LINE.file);
  for (const property of environment.properties) settings.addProperty(property);
  for (const property of commandLine.properties) settings.addProperty(property);
  const ignored = [...environment.ignored, ...commandLine.ignored];
  if (ignored.length > 0) settings.warn(`JVM flags have no effect here: ${ignored.join(" ")}`);

  const { file, text } = addOperands(settings, commandLine.operands);
  settings.checkAll();
  return { settings, config: build(settings, file, text) };
}

function addOperands(settings: Settings, operands: readonly string[]): { file: string | null; text: string } {
  if (operands.length === 0) {
    for (const [key, value] of Object.entries(EMBEDDED_DEFAULT)) {
      settings.addZooCfg({ key, value, line: 0 }, "embedded default");
    }
    return { file: null, text: "" };
  }
  if (operands.length === 1) {
    const file = operands[0]!;
    const text = readConfigFile(file);
    for (const property of parseProperties(text, file)) settings.addZooCfg(property, file);
    return { file, text: Buffer.from(text, "latin1").toString("utf8") };
  }
  if (operands.length > 4) {
    throw new ConfigError(
      COMMAND_LINE,
      "",
      null,
      `too many operands: ${operands.join(" ")}`,
      "PORT DATADIR [TICKTIME [MAXCNXNS]]",
    );
  }
  // ZooKeeper's default for this form is any number of connections; from a file it is 60.
  const [clientPort, dataDir, tickTime, maxClientCnxns = "0"] = operands;
  for (const [key, value] of Object.entries({ clientPort, dataDir, tickTime, maxClientCnxns })) {
    if (value !== undefined) settings.addZooCfg({ key, value, line: 0 }, COMMAND_LINE.file);
  }
  return { file: null, text: "" };
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    const cause =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (error as Error).message;
    throw new ConfigError({ file, line: 0 }, "", null, cause);
  }
}

function build(settings: Settings, file: string | null, text: string): QuollConfig {
  const whole: SettingSource = { file: file ?? COMMAND_LINE.file, line: 0 };
  const dataDirText = settings.textOrNull("dataDir");
  if (dataDirText === null)
    throw new ConfigError(whole, "dataDir", null, "name a directory", "dataDir=/var/lib/zookeeper");
  const dataDir = resolve(dataDirText);
  const tickTimeMs = settings.number("tickTime");
  const minSessionTimeoutMs = orDefault(settings.numberOrNull("minSessionTimeout"), tickTimeMs * 2);
  const maxSessionTimeoutMs = orDefault(settings.numberOrNull("maxSessionTimeout"), tickTimeMs * 20);
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    throw settings.reject(
      "minSessionTimeout",
      whole,
      String(minSessionTimeoutMs),
      `be at most maxSessionTimeout, ${maxSessionTimeoutMs} ms`,
    );
  }
  const quorum = readQuorum(settings);
  const myid = readMyid(dataDir);
  const juteMaxBufferBytes = settings.number("jute.maxbuffer");
  return deepFreeze({
    configFile: file,
    configText: text,
    myid,
    quorum,
    ensemble: readEnsemble(settings, whole, quorum, myid, dataDir),
    clientAddress: clientAddressOf(settings, whole, quorum, myid),
    clientPortListenBacklog: settings.number("clientPortListenBacklog"),
    clientTcpKeepAlive: settings.boolean("clientTcpKeepAlive"),
    maxClientCnxns: settings.number("maxClientCnxns"),
    maxCnxns: settings.number("maxCnxns"),
    sessionlessCnxnTimeoutMs: settings.number("nio.sessionlessCnxnTimeout"),
    dataDir,
    dataLogDir: resolve(settings.textOrNull("dataLogDir") ?? dataDir),
    datadirAutocreate: settings.boolean("datadir.autocreate"),
    dbAutocreate: settings.boolean("db.autocreate"),
    tickTimeMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    log: logConfig(settings),
    snapshot: snapshotConfig(settings),
    autopurge: {
      snapRetainCount: settings.number("autopurge.snapRetainCount"),
      purgeIntervalHours: settings.number("autopurge.purgeInterval"),
    },
    juteMaxBufferBytes,
    juteMaxBufferExtraBytes: settings.numberOrNull("jute.maxbuffer.extrasize") ?? Math.max(1024, juteMaxBufferBytes),
    globalOutstandingLimit: settings.number("globalOutstandingLimit"),
    connectionThrottle: connectionThrottleConfig(settings),
    extendedTypesEnabled: settings.boolean("extendedTypesEnabled"),
    emulate353TTLNodes: settings.boolean("emulate353TTLNodes"),
    childrenListsMax: settings.number("maxGetChildrenResponseCacheSize"),
    container: {
      checkIntervalMs: settings.number("znode.container.checkIntervalMs"),
      maxPerMinute: settings.number("znode.container.maxPerMinute"),
      maxNeverUsedIntervalMs: settings.number("znode.container.maxNeverUsedIntervalMs"),
    },
    closeSessionTxnEnabled: settings.boolean("closeSessionTxn.enabled"),
    digestEnabled: settings.boolean("digest.enabled"),
    acceptDigestMismatch: settings.boolean("digest.acceptMismatch"),
    enforceQuota: settings.boolean("enforceQuota"),
    auth: authConfig(settings, whole),
    reconfigEnabled: settings.boolean("reconfigEnabled"),
    readOnlyModeEnabled: settings.boolean("readonlymode.enabled"),
    fourLetterWords: new Set(["srvr", ...settings.list("4lw.commands.whitelist")]),
    properties: settings.properties(),
  });
}

function logConfig(settings: Settings): LogConfig {
  const sizeLimitKb = settings.number("txnLogSizeLimitInKb");
  return {
    forceSync: settings.yes("forceSync"),
    fsyncWarningThresholdMs: settings.number("fsync.warningthresholdms"),
    preAllocSizeBytes: settings.number("preAllocSize") * 1024,
    reserveBytes: settings.number("quoll.diskReserveInMb") * 1024 * 1024,
    sizeLimitBytes: sizeLimitKb > 0 ? sizeLimitKb * 1024 : null,
  };
}

function snapshotConfig(settings: Settings): SnapshotConfig {
  const snapSizeKb = settings.number("snapSizeLimitInKb");
  const method = settings.text("snapshot.compression.method").toLowerCase();
  return {
    snapCount: settings.number("snapCount"),
    snapSizeBytes: snapSizeKb > 0 ? snapSizeKb * 1024 : null,
    compression: method === "gz" || method === "snappy" ? method : "none",
    trustEmpty: settings.boolean("snapshot.trust.empty"),
    serializeLastProcessedZxid: settings.boolean("serializeLastProcessedZxid.enabled"),
  };
}

function connectionThrottleConfig(settings: Settings): ConnectionThrottleConfig {
  const number = (name: string): number => settings.number(`connection_throttle_${name}`);
  const localSessionWeight = number("local_session_weight");
  return {
    tokens: number("tokens"),
    fillTimeMs: number("fill_time"),
    fillCount: number("fill_count"),
    freezeTimeMs: number("freeze_time"),
    dropIncrease: number("drop_increase"),
    dropDecrease: number("drop_decrease"),
    decreaseRatio: number("decrease_ratio"),
    weightEnabled: settings.boolean("connection_throttle_weight_enabled"),
    // ZooKeeper never lets the others cost less than a local session.
    globalSessionWeight: Math.max(number("global_session_weight"), localSessionWeight),
    localSessionWeight,
    renewSessionWeight: Math.max(number("renew_session_weight"), localSessionWeight),
  };
}

/** The schemes of the authentication providers that ZooKeeper ships. */
const SCHEME_OF_PROVIDER: Readonly<Record<string, string>> = {
  "org.apache.zookeeper.server.auth.DigestAuthenticationProvider": "digest",
  "org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider": "ensemble",
  "org.apache.zookeeper.server.auth.IPAuthenticationProvider": "ip",
  "org.apache.zookeeper.server.auth.SASLAuthenticationProvider": "sasl",
  "org.apache.zookeeper.server.auth.X509AuthenticationProvider": "x509",
};

function authConfig(settings: Settings, whole: SettingSource): AuthConfig {
  const requireSasl = settings.boolean("sessionRequireClientSASLAuth");
  const enforceAuthEnabled = settings.boolean("enforce.auth.enabled") || requireSasl;
  const enforceAuthSchemes = requireSasl ? ["sasl"] : settings.list("enforce.auth.schemes");
  const digestEnabled = settings.boolean("DigestAuthenticationProvider.enabled");
  const authProviders = settings.family("authProvider.N");
  if (enforceAuthEnabled) {
    const schemes = [
      digestEnabled ? "digest" : "",
      "ip",
      ...authProviders.map((name) => SCHEME_OF_PROVIDER[name] ?? ""),
    ];
    const available = [...new Set(schemes)].filter((scheme) => scheme !== "");
    const key = requireSasl ? "sessionRequireClientSASLAuth" : "enforce.auth.schemes";
    const missing = enforceAuthSchemes.find((scheme) => !available.includes(scheme));
    const accepted = `ask for schemes that are available (${available.join(", ")})`;
    if (missing !== undefined) throw settings.reject(key, whole, requireSasl ? "true" : missing, accepted);
    if (enforceAuthSchemes.length === 0) {
      throw settings.reject(key, whole, null, "name a scheme, since enforce.auth.enabled is true", `${key}=digest`);
    }
  }
  return {
    skipACL: settings.yes("skipACL"),
    authProviders,
    digestEnabled,
    digestAlg: settings.text("DigestAuthenticationProvider.digestAlg"),
    superDigest: settings.textOrNull("DigestAuthenticationProvider.superDigest"),
    ensembleAuthName: settings.textOrNull("ensembleAuthName"),
    enforceAuthEnabled,
    enforceAuthSchemes,
    sessionRequireClientSASLAuth: requireSasl,
  };
}

/** The members, from zoo.cfg or from the file that dynamicConfigFile names. */
function readQuorum(settings: Settings): QuorumConfig {
  const dynamicFile = settings.textOrNull("dynamicConfigFile");
  const inZooCfg = ["server.", "group", "weight"].flatMap((prefix) => settings.nativeWithPrefix(prefix));
  const multiAddress = settings.boolean("multiAddress.enabled");
  let quorum: QuorumConfig;
  if (dynamicFile === null) {
    quorum = parseQuorum(inZooCfg, 0, multiAddress);
  } else {
    const misplaced = inZooCfg[0];
    if (misplaced !== undefined) {
      const [name, setting] = misplaced;
      throw new ConfigError(setting.source, name, setting.value, `stand in the dynamic config file, ${dynamicFile}`);
    }
    const lines = parseProperties(readConfigFile(dynamicFile), dynamicFile).map((property) => {
      const name = property.key.trim();
      const setting = {
        value: property.value.trim(),
        source: { file: dynamicFile, line: property.line },
        writtenAs: name,
      };
      if (!/^(server\.|group|weight)/.test(name)) {
        throw new ConfigError(
          setting.source,
          name,
          setting.value,
          "stand in zoo.cfg; only server.N, group.N and weight.N stand here",
        );
      }
      return [name, setting] as const;
    });
    quorum = parseQuorum(lines, versionOfFileName(dynamicFile), multiAddress);
  }
  return quorum;
}

/** One voting member is a standalone server unless standaloneEnabled is false, as with ZooKeeper. */
function readEnsemble(
  settings: Settings,
  whole: SettingSource,
  quorum: QuorumConfig,
  myid: number | null,
  dataDir: string,
): EnsembleConfig | null {
  const { members } = quorum;
  const participants = members.filter((member) => member.type === "participant").length;
  if (members.length === 0 || (settings.boolean("standaloneEnabled") && participants <= 1)) return null;
  const required = (key: string, example: string): number => {
    const value = settings.numberOrNull(key);
    if (value === null) throw settings.reject(key, whole, null, "be set, since this is an ensemble", example);
    return value;
  };
  const initLimit = required("initLimit", "initLimit=10");
  const syncLimit = required("syncLimit", "syncLimit=5");
  const file = join(dataDir, "myid");
  const self = members.find(({ id }) => id === myid);
  if (myid === null) {
    throw new ConfigError(
      { file, line: 0 },
      "the server id",
      null,
      "say which of the server.N lines this server is",
      "1",
    );
  }
  if (self === undefined) {
    const known = members.map(({ id }) => id).join(", ");
    throw new ConfigError({ file, line: 1 }, "the server id", String(myid), `be one of the server.N lines: ${known}`);
  }
  const isObserver = self.type === "observer";
  if ((settings.text("peerType") === "observer") !== isObserver) {
    settings.warn(`peerType is not what server.${myid} says; the line decides: this server is ${self.type}`);
  }
  if (participants === 2)
    settings.warn("with two voting servers, the ensemble stops when either of them fails; three are better");
  else if (participants % 2 === 0)
    settings.warn(`${participants} voting servers survive no more failures than ${participants - 1}`);
  return {
    myid,
    isObserver,
    initLimit,
    syncLimit,
    connectToLearnerMasterLimit: settings.number("connectToLearnerMasterLimit"),
    cnxTimeoutMs: settings.number("cnxTimeout"),
    minNotificationIntervalMs: settings.number("fastleader.minNotificationInterval"),
    maxNotificationIntervalMs: settings.number("fastleader.maxNotificationInterval"),
    electionPortBindRetry: settings.number("electionPortBindRetry"),
    quorumListenOnAllIPs: settings.boolean("quorumListenOnAllIPs"),
    multiAddress: settings.boolean("multiAddress.enabled"),
    standaloneEnabled: settings.boolean("standaloneEnabled"),
    leaderServes: settings.yes("leaderServes"),
    observerMasterPort: settings.number("observerMasterPort"),
    maxConcurrentSnapSyncs: settings.number("leader.maxConcurrentSnapSyncs"),
    maxConcurrentDiffSyncs: settings.number("leader.maxConcurrentDiffSyncs"),
    commitLogCount: settings.number("commitLogCount"),
    snapshotSizeFactor: settings.number("snapshotSizeFactor"),
    forceSnapshotSync: settings.boolean("forceSnapshotSync"),
    localSessionsEnabled: settings.boolean("localSessionsEnabled"),
    localSessionsUpgradingEnabled: settings.boolean("localSessionsUpgradingEnabled"),
    oraclePath: settings.textOrNull("oraclePath"),
  };
}

/** `myid`, which names this server among the server.N lines. A standalone server needs none. */
function readMyid(dataDir: string): number | null {
  const file = join(dataDir, "myid");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  const firstLine = text.split(/\r\n|\r|\n/)[0]!;
  if (!/^[+-]?\d{1,15}$/.test(firstLine)) {
    throw new ConfigError({ file, line: 1 }, "the server id", firstLine, "be a whole number", "1");
  }
  return Number(firstLine);
}

/**
 * Where clients connect: this server's `server.N` line if it says so, else clientPort. ZooKeeper looks the line up by
 * myid only; where there is no myid and just one line, that line is meant.
 */
function clientAddressOf(
  settings: Settings,
  whole: SettingSource,
  quorum: QuorumConfig,
  myid: number | null,
): HostPort {
  const address = settings.textOrNull("clientPortAddress");
  const port = settings.numberOrNull("clientPort");
  if (port === null && address !== null) {
    throw settings.reject("clientPort", whole, null, "be set, since clientPortAddress is", "clientPort=2181");
  }
  const fromCfg = port === null ? null : { host: address ?? "0.0.0.0", port };
  const member = quorum.members.find(({ id }) =>
    myid === null ? quorum.members.length === 1 && fromCfg === null : id === myid,
  );
  const fromMember = member?.clientAddress ?? null;
  if (fromMember === null) {
    if (fromCfg === null) throw settings.reject("clientPort", whole, null, "be set", "clientPort=2181");
    return fromCfg;
  }
  const sameHost = fromCfg === null || isAnyAddress(fromCfg.host) || fromCfg.host === fromMember.host;
  if (fromCfg !== null && (!sameHost || fromCfg.port !== fromMember.port)) {
    const setting = member!.setting;
    throw new ConfigError(
      setting.source,
      setting.writtenAs,
      setting.value,
      `name the client address of zoo.cfg, ${fromCfg.host}:${fromCfg.port}`,
    );
  }
  return fromMember;
}

function isAnyAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "0:0:0:0:0:0:0:0";
}

/** -1 is how ZooKeeper writes "unset". */
function orDefault(value: number | null, byDefault: number): number {
  return value === null || value === -1 ? byDefault : value;
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null && !Object.isFrozen(inner)) deepFreeze(inner);
  }
  return Object.freeze(value);
}
