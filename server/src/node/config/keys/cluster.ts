import { type ConfigKey, type ConfigRow, defineKey } from "../config-key.js";

const LATER = "Ensembles come in a later version.";

const cfg = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey =>
  defineKey(name, { scope: "cfg", type, default: value, meaning, reason: LATER, state: "not yet" });
/** A key of zoo.cfg that is also read as a property, which the file overrides. */
const cfgOrProperty = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey => {
  const row = { aliases: [`zookeeper.${name}`], type, default: value, meaning, reason: LATER } as const;
  return defineKey(name, { scope: "cfg", ...row, state: "not yet" });
};
const property = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey =>
  defineKey(name, { type, default: value, meaning, reason: LATER, state: "not yet" });

/** Every sample zoo.cfg sets these, also for servers that are alone: that is not worth a warning. */
const followerLimit = (name: string, meaning: string): ConfigKey => {
  const reason = "A server that is alone has no followers; ensembles come in a later version.";
  return defineKey(name, { scope: "cfg", type: "int", default: "", meaning, reason, state: "no effect here" });
};

/** Members, election, learners (Administrator's Guide, "Cluster Options"). */
export const clusterKeys: readonly ConfigKey[] = [
  defineKey("server.N", {
    scope: "cfg",
    pattern: /^server\.[+-]?\d+$/,
    type: "string",
    default: "",
    example: "server.1=localhost:2888:3888;2181",
    meaning: "A member: `host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort]`.",
    reason: "A single member is a standalone server, which takes its client port from here; more need a later version.",
  }),
  defineKey("group.N", {
    scope: "cfg",
    pattern: /^group\.[+-]?\d+$/,
    type: "string",
    default: "",
    meaning: "The members of a group of a hierarchical quorum, by id, separated by colons.",
    reason: LATER,
    state: "not yet",
  }),
  defineKey("weight.N", {
    scope: "cfg",
    pattern: /^weight\.[+-]?\d+$/,
    type: "int",
    default: "1",
    meaning: "The weight of a member's vote in its group.",
    reason: LATER,
    state: "not yet",
  }),
  defineKey("dynamicConfigFile", {
    scope: "cfg",
    type: "path",
    default: "",
    example: "/etc/zookeeper/zoo.cfg.dynamic",
    meaning: "The file that holds the server.N, group.N and weight.N lines instead of zoo.cfg.",
    reason: "Reconfiguration rewrites that file, so it is kept apart from what the operator wrote.",
  }),
  defineKey("version", {
    scope: "cfg",
    type: "string",
    default: "0",
    meaning: "The version of the membership, in hex.",
    reason: "ZooKeeper writes it; nothing needs to set it.",
    state: "no effect here",
  }),
  defineKey("standaloneEnabled", {
    scope: "cfg",
    type: "boolean",
    default: "true",
    meaning: "Whether a configuration of one server is a standalone server instead of an ensemble of one.",
    reason: "With false, an ensemble can grow from one server; that comes in a later version.",
  }),
  followerLimit("initLimit", "How many ticks a follower may take to connect to the leader and to synchronize."),
  followerLimit("syncLimit", "How many ticks a follower may lag behind the leader."),
  cfg("connectToLearnerMasterLimit", "int", "(initLimit)", "How many ticks a learner may take to reach the leader."),
  defineKey("electionAlg", {
    scope: "cfg",
    type: "int",
    default: "3",
    min: 3,
    max: 3,
    meaning: "The election algorithm.",
    reason: "ZooKeeper has removed all but number 3.",
    state: "not yet",
  }),
  defineKey("peerType", {
    scope: "cfg",
    type: "enum",
    default: "participant",
    values: ["participant", "observer"],
    meaning: "Whether this server votes.",
    reason: LATER,
    state: "not yet",
  }),
  cfg("syncEnabled", "boolean", "true", "Whether an observer writes txns and snapshots to its disk."),
  property("observer.syncEnabled", "boolean", "(syncEnabled)", "The same as syncEnabled, as a property."),
  cfg("quorumListenOnAllIPs", "boolean", "false", "Whether the quorum ports are bound to every interface."),
  defineKey("reconfigEnabled", {
    scope: "cfg",
    type: "boolean",
    default: "false",
    meaning: "Whether the reconfig request is allowed.",
    reason: "Off by default since 3.5.3, as whoever may reconfigure owns the ensemble.",
  }),
  cfg("localSessionsEnabled", "boolean", "false", "Whether new sessions are local to their server."),
  cfg(
    "localSessionsUpgradingEnabled",
    "boolean",
    "false",
    "Whether a local session becomes global when it creates an ephemeral.",
  ),
  cfgOrProperty(
    "multiAddress.enabled",
    "boolean",
    "false",
    "Whether a member may have several addresses, separated by |.",
  ),
  cfgOrProperty("multiAddress.reachabilityCheckTimeoutMs", "int", "1000", "How long, in ms, an address is tried."),
  cfgOrProperty("multiAddress.reachabilityCheckEnabled", "boolean", "true", "Whether addresses are tried by ICMP."),
  cfg("oraclePath", "path", "", "The file that decides between two servers."),
  cfg("quorum.cnxn.threads.size", "int", "20", "How many threads authenticate members."),
  property("cnxTimeout", "int", "5000", "How long, in ms, an election connection may take to open."),
  property(
    "quorumCnxnTimeoutMs",
    "int",
    "-1",
    "The read timeout of election connections in ms; -1 for syncLimit ticks.",
  ),
  property("fastleader.minNotificationInterval", "int", "200", "The first wait, in ms, between notifications."),
  property("fastleader.maxNotificationInterval", "int", "60000", "The longest wait, in ms, between notifications."),
  property("electionPortBindRetry", "int", "3", "How often binding the election port is tried; 0 for ever."),
  defineKey("leaderServes", {
    type: "yesno",
    default: "yes",
    values: ["yes", "no"],
    meaning: "Whether the leader accepts clients.",
    reason: LATER,
    state: "not yet",
  }),
  property(
    "leader.maxTimeToWaitForEpoch",
    "int",
    "-1",
    "How long, in ms, a leader waits for epochs; -1 for initLimit ticks.",
  ),
  property("leader.maxConcurrentSnapSyncs", "int", "10", "How many learners are sent snapshots at a time."),
  property("leader.maxConcurrentDiffSyncs", "int", "100", "How many learners are sent differences at a time."),
  property("leader.ackLoggingFrequency", "int", "1000", "Every how many ACKs one is logged."),
  property("leaderConnectDelayDuringRetryMs", "int", "100", "The wait, in ms, between tries to reach the leader."),
  defineKey("leader.nodelay", {
    scope: "jvm",
    type: "boolean",
    default: "true",
    meaning: "TCP_NODELAY on the leader's connections.",
    reason: LATER,
    state: "not yet",
  }),
  defineKey("follower.nodelay", {
    scope: "jvm",
    type: "boolean",
    default: "true",
    meaning: "TCP_NODELAY on a follower's connection.",
    reason: LATER,
    state: "not yet",
  }),
  property("learner.asyncSending", "boolean", "false", "Whether a learner sends from a thread of its own."),
  property("learner.closeSocketAsync", "boolean", "false", "Whether a learner closes sockets in the background."),
  property("leader.closeSocketAsync", "boolean", "false", "Whether the leader closes sockets in the background."),
  property(
    "forward_learner_requests_to_commit_processor_disabled",
    "boolean",
    "false",
    "Whether requests of learners that left are dropped.",
  ),
  property(
    "follower.skipLearnerRequestToNextProcessor",
    "boolean",
    "false",
    "Whether a follower's own requests skip its commit queue.",
  ),
  property("observer.reconnectDelayMs", "long", "0", "The longest random wait, in ms, before an observer reconnects."),
  property(
    "observer.election.DelayMs",
    "long",
    "200",
    "How long, in ms, an observer waits before it looks for a leader.",
  ),
  property("observerMaster.sizeLimit", "int", "33554432", "How many bytes of packets a follower keeps for observers."),
  defineKey("readonlymode.enabled", {
    scope: "jvm",
    type: "boolean",
    default: "false",
    meaning: "Whether a server without a quorum serves reads; also allows the isro command without a whitelist.",
    reason: "A standalone server is never without its quorum, so only the second part matters to it.",
  }),
];
