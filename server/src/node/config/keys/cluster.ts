import { type ConfigKey, type ConfigRow, defineKey } from "../config-key.js";

const TIMING = "ZooKeeper's own value.";

const cfg = (name: string, type: ConfigRow["type"], value: string, meaning: string, reason = TIMING): ConfigKey =>
  defineKey(name, { scope: "cfg", type, default: value, meaning, reason });
const property = (name: string, type: ConfigRow["type"], value: string, meaning: string, reason = TIMING): ConfigKey =>
  defineKey(name, { type, default: value, meaning, reason });
const noEffect = (key: ConfigKey, reason: string): ConfigKey => ({ ...key, state: "no effect here", reason });
const notYet = (key: ConfigKey, reason: string): ConfigKey => ({ ...key, state: "not yet", reason });

const NO_THREADS = "Nothing here waits for a socket: a slow one holds up nobody else.";
const OBSERVERS_LOG = "An observer always logs what it applies, so that its restart needs nothing from the leader.";
const NO_DELAY = "Connections between servers always send at once.";

/** Members, election, learners (Administrator's Guide, "Cluster Options"). */
export const clusterKeys: readonly ConfigKey[] = [
  defineKey("server.N", {
    scope: "cfg",
    pattern: /^server\.[+-]?\d+$/,
    type: "string",
    default: "",
    example: "server.1=localhost:2888:3888;2181",
    meaning: "A member: `host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort]`.",
    reason: "A single member is a standalone server unless standaloneEnabled is false.",
  }),
  defineKey("group.N", {
    scope: "cfg",
    pattern: /^group\.[+-]?\d+$/,
    type: "string",
    default: "",
    meaning: "The members of a group of a hierarchical quorum, by id, separated by colons.",
    reason: "A quorum is then a majority of the weight in a majority of the groups.",
  }),
  defineKey("weight.N", {
    scope: "cfg",
    pattern: /^weight\.[+-]?\d+$/,
    type: "int",
    default: "1",
    meaning: "The weight of a member's vote in its group.",
    reason: "A member of weight 0 never leads.",
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
    reason: "With false, an ensemble can grow from one server.",
  }),
  defineKey("initLimit", {
    scope: "cfg",
    type: "int",
    default: "",
    min: 1,
    example: "10",
    meaning: "How many ticks a follower may take to connect to the leader and to synchronize.",
    reason: "An ensemble must set it; a server that is alone has no followers.",
  }),
  defineKey("syncLimit", {
    scope: "cfg",
    type: "int",
    default: "",
    min: 1,
    example: "5",
    meaning: "How many ticks a follower may lag behind the leader.",
    reason: "An ensemble must set it; a server that is alone has no followers.",
  }),
  cfg(
    "connectToLearnerMasterLimit",
    "int",
    "0",
    "How many ticks a learner may take to reach the leader; 0 for initLimit.",
  ),
  defineKey("electionAlg", {
    scope: "cfg",
    type: "int",
    default: "3",
    min: 3,
    max: 3,
    meaning: "The election algorithm.",
    reason: "ZooKeeper has removed all but number 3.",
  }),
  defineKey("peerType", {
    scope: "cfg",
    type: "enum",
    default: "participant",
    values: ["participant", "observer"],
    meaning: "Whether this server votes.",
    reason: "It must agree with the server.N line, which decides.",
  }),
  noEffect(
    cfg("syncEnabled", "boolean", "true", "Whether an observer writes txns and snapshots to its disk."),
    OBSERVERS_LOG,
  ),
  noEffect(
    property("observer.syncEnabled", "boolean", "(syncEnabled)", "The same as syncEnabled, as a property."),
    OBSERVERS_LOG,
  ),
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
  defineKey("multiAddress.enabled", {
    scope: "cfg",
    aliases: ["zookeeper.multiAddress.enabled"],
    type: "boolean",
    default: "false",
    meaning: "Whether a member may have several addresses, separated by |.",
    reason: "Servers before 3.6 can't read the form of the election's first message that tells them.",
  }),
  noEffect(
    defineKey("multiAddress.reachabilityCheckTimeoutMs", {
      scope: "cfg",
      aliases: ["zookeeper.multiAddress.reachabilityCheckTimeoutMs"],
      type: "int",
      default: "1000",
      meaning: "How long, in ms, an address is tried.",
      reason: "",
    }),
    "Addresses are tried by connecting to them.",
  ),
  noEffect(
    defineKey("multiAddress.reachabilityCheckEnabled", {
      scope: "cfg",
      aliases: ["zookeeper.multiAddress.reachabilityCheckEnabled"],
      type: "boolean",
      default: "true",
      meaning: "Whether addresses are tried by ICMP.",
      reason: "",
    }),
    "Addresses are tried by connecting to them.",
  ),
  cfg(
    "oraclePath",
    "path",
    "",
    "The file that decides between two servers.",
    "Two servers alone have no majority without each other.",
  ),
  noEffect(cfg("quorum.cnxn.threads.size", "int", "20", "How many threads authenticate members."), NO_THREADS),
  property("cnxTimeout", "int", "5000", "How long, in ms, an election connection may take to open."),
  noEffect(
    property("quorumCnxnTimeoutMs", "int", "-1", "The read timeout of election connections in ms."),
    "A connection that is silent during an election is no reason to end it; its first message has 2 s.",
  ),
  property("fastleader.minNotificationInterval", "int", "200", "The first wait, in ms, between notifications."),
  property("fastleader.maxNotificationInterval", "int", "60000", "The longest wait, in ms, between notifications."),
  property("electionPortBindRetry", "int", "3", "How often binding the election port is tried; 0 for ever."),
  defineKey("leaderServes", {
    type: "yesno",
    default: "yes",
    values: ["yes", "no"],
    meaning: "Whether the leader accepts clients.",
    reason: "A leader of many followers may have enough to do.",
  }),
  notYet(
    property(
      "leader.maxTimeToWaitForEpoch",
      "int",
      "-1",
      "How long, in ms, a leader waits for epochs; -1 for initLimit ticks.",
    ),
    "It waits initLimit ticks.",
  ),
  property("leader.maxConcurrentSnapSyncs", "int", "10", "How many learners are sent snapshots at a time."),
  property("leader.maxConcurrentDiffSyncs", "int", "100", "How many learners are sent differences at a time."),
  noEffect(
    property("leader.ackLoggingFrequency", "int", "1000", "Every how many ACKs one is logged."),
    "ACKs are not logged.",
  ),
  noEffect(
    property("leaderConnectDelayDuringRetryMs", "int", "100", "The wait, in ms, between tries to reach the leader."),
    "A refused connection is tried again after a wait that grows from a few milliseconds.",
  ),
  defineKey("leader.nodelay", {
    scope: "jvm",
    type: "boolean",
    default: "true",
    meaning: "TCP_NODELAY on the leader's connections.",
    reason: NO_DELAY,
    state: "no effect here",
  }),
  defineKey("follower.nodelay", {
    scope: "jvm",
    type: "boolean",
    default: "true",
    meaning: "TCP_NODELAY on a follower's connection.",
    reason: NO_DELAY,
    state: "no effect here",
  }),
  noEffect(
    property("learner.asyncSending", "boolean", "false", "Whether a learner sends from a thread of its own."),
    NO_THREADS,
  ),
  noEffect(
    property("learner.closeSocketAsync", "boolean", "false", "Whether a learner closes sockets in the background."),
    NO_THREADS,
  ),
  noEffect(
    property("leader.closeSocketAsync", "boolean", "false", "Whether the leader closes sockets in the background."),
    NO_THREADS,
  ),
  noEffect(
    property(
      "forward_learner_requests_to_commit_processor_disabled",
      "boolean",
      "false",
      "Whether requests of learners that left are dropped.",
    ),
    "They are always dropped: nobody waits for them any more.",
  ),
  noEffect(
    property(
      "follower.skipLearnerRequestToNextProcessor",
      "boolean",
      "false",
      "Whether a follower's own requests skip its commit queue.",
    ),
    NO_THREADS,
  ),
  notYet(
    property(
      "observer.reconnectDelayMs",
      "long",
      "0",
      "The longest random wait, in ms, before an observer reconnects.",
    ),
    "It reconnects at once.",
  ),
  notYet(
    property(
      "observer.election.DelayMs",
      "long",
      "200",
      "How long, in ms, an observer waits before it looks for a leader.",
    ),
    "It looks at once.",
  ),
  noEffect(
    property(
      "observerMaster.sizeLimit",
      "int",
      "33554432",
      "How many bytes of packets a follower keeps for observers.",
    ),
    "What an observer can miss is in the log and in memory anyway.",
  ),
  defineKey("readonlymode.enabled", {
    scope: "jvm",
    type: "boolean",
    default: "false",
    meaning: "Whether a server without a quorum serves reads; also allows the isro command without a whitelist.",
    reason: "A standalone server is never without its quorum, so only the second part matters to it.",
  }),
];
