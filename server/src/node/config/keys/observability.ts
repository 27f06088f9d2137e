import { type ConfigKey, type ConfigRow, defineKey } from "../config-key.js";

const ADMIN = "The admin server comes in a later version.";
const METRICS = "The metrics endpoint comes in a later version; mntr shows the numbers today.";
const JVM = "There is no JVM here.";
const LOG = "ZooKeeper's start script sets it for log4j; this server logs to standard output.";

const notYet = (name: string, type: ConfigRow["type"], value: string, meaning: string, reason: string): ConfigKey =>
  defineKey(name, { type, default: value, meaning, reason, state: "not yet" });
const metrics = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey =>
  defineKey(`metricsProvider.${name}`, {
    scope: "cfg",
    type,
    default: value,
    meaning,
    reason: METRICS,
    state: "not yet",
  });
const noEffect = (name: string, type: ConfigRow["type"], value: string, meaning: string, reason: string): ConfigKey =>
  defineKey(name, { type, default: value, meaning, reason, state: "no effect here" });

/** The admin server, metrics, audit log, stall detector (Administrator's Guide, "AdminServer" and "Metrics"). */
export const observabilityKeys: readonly ConfigKey[] = [
  notYet("admin.enableServer", "boolean", "true", "Whether the admin server runs.", ADMIN),
  notYet("admin.serverAddress", "string", "0.0.0.0", "The address that it is bound to.", ADMIN),
  notYet("admin.serverPort", "int", "8080", "The port that it is bound to.", ADMIN),
  notYet("admin.commandURL", "string", "/commands", "The path under which its commands are.", ADMIN),
  notYet("admin.idleTimeout", "int", "30000", "How long, in ms, an idle connection to it stays open.", ADMIN),
  notYet("admin.portUnification", "boolean", "false", "Whether its port takes HTTP and HTTPS.", ADMIN),
  notYet("admin.forceHttps", "boolean", "false", "Whether its port takes only HTTPS.", ADMIN),
  notYet("admin.needClientAuth", "boolean", "true", "Whether its HTTPS clients need a certificate.", ADMIN),
  notYet("admin.httpVersion", "int", "11", "The HTTP version that it answers with.", ADMIN),
  notYet("admin.snapshot.enabled", "boolean", "true", "Whether its snapshot command works.", ADMIN),
  notYet("admin.restore.enabled", "boolean", "true", "Whether its restore command works.", ADMIN),
  notYet("admin.rateLimiterIntervalInMS", "int", "300000", "The shortest time between two of those commands.", ADMIN),
  metrics(
    "className",
    "string",
    "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
    "The Java class that exports metrics.",
  ),
  metrics("httpHost", "string", "0.0.0.0", "The address of the metrics endpoint."),
  metrics("httpPort", "int", "7000", "Its port."),
  metrics("httpsPort", "int", "-1", "Its TLS port; -1 for none."),
  metrics("exportJvmInfo", "boolean", "true", "Whether it has metrics of the process."),
  metrics("numWorkerThreads", "int", "1", "How many threads update summaries."),
  metrics("maxQueueSize", "int", "1000000", "How many updates may wait for them."),
  metrics("workerShutdownTimeoutMs", "long", "1000", "How long, in ms, a stop waits for them."),
  metrics("prometheusMetricsSummaryRotateIntervalSeconds", "int", "60", "How long, in s, a summary looks back."),
  defineKey("metricsProvider.X", {
    scope: "cfg",
    pattern: /^metricsProvider\..+$/,
    type: "string",
    default: "",
    meaning: "Any other setting of the Java class that exports metrics, ssl.* among them.",
    reason: METRICS,
    state: "not yet",
  }),
  notYet(
    "audit.enable",
    "boolean",
    "false",
    "Whether changes are written to an audit log.",
    "The audit log comes in a later version.",
  ),
  notYet(
    "audit.impl.class",
    "string",
    "org.apache.zookeeper.audit.Slf4jAuditLogger",
    "The Java class of the audit log.",
    "The audit log comes in a later version.",
  ),
  defineKey("jvm.pause.monitor", {
    scope: "cfg",
    type: "boolean",
    default: "false",
    meaning: "Whether stalls of the process are reported.",
    reason: "A later version measures the delay of the event loop instead.",
    state: "not yet",
  }),
  defineKey("jvm.pause.info-threshold.ms", {
    scope: "cfg",
    type: "long",
    default: "1000",
    meaning: "The stall that is worth a line.",
    reason: "Belongs to jvm.pause.monitor.",
    state: "not yet",
  }),
  defineKey("jvm.pause.warn-threshold.ms", {
    scope: "cfg",
    type: "long",
    default: "10000",
    meaning: "The stall that is worth a warning.",
    reason: "Belongs to jvm.pause.monitor.",
    state: "not yet",
  }),
  defineKey("jvm.pause.sleep.time.ms", {
    scope: "cfg",
    type: "long",
    default: "500",
    meaning: "How often stalls are looked for.",
    reason: "Belongs to jvm.pause.monitor.",
    state: "not yet",
  }),
  noEffect("jmx.log4j.disable", "boolean", "false", "Whether log4j's beans are left out of JMX.", JVM),
  noEffect("jmx.log4j.mbean", "string", "log4j:hierarchy=default", "The name of log4j's bean in JMX.", JVM),
  notYet(
    "controllerPort",
    "int",
    "",
    "The port of the test controller.",
    "Only ZooKeeper's own controller program reads it.",
  ),
  noEffect("log.dir", "path", "", "The directory of the log file.", LOG),
  noEffect("log.file", "string", "", "The name of the log file.", LOG),
  noEffect("log.threshold", "string", "", "The level of the log file.", LOG),
  noEffect("log.maxfilesize", "string", "", "The size at which the log file is rolled.", LOG),
  noEffect("log.maxbackupindex", "string", "", "How many rolled log files are kept.", LOG),
  noEffect("root.logger", "string", "", "Level and targets of the log.", LOG),
  noEffect("console.threshold", "string", "", "The level of the log on the console.", LOG),
  noEffect("tracelog.dir", "path", "", "The directory of the trace log.", LOG),
  noEffect("tracelog.file", "string", "", "The name of the trace log.", LOG),
  noEffect("auditlog.file", "string", "", "The name of the audit log.", LOG),
  noEffect("auditlog.threshold", "string", "", "The level of the audit log.", LOG),
  noEffect("audit.logger", "string", "", "Level and targets of the audit log.", LOG),
];
