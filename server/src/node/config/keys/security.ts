import { type ConfigKey, type ConfigRow, defineKey } from "../config-key.js";

const TLS = "TLS comes in a later version.";
const SASL = "SASL comes in a later version.";

const notYet = (name: string, type: ConfigRow["type"], value: string, meaning: string, reason: string): ConfigKey =>
  defineKey(name, { type, default: value, meaning, reason, state: "not yet" });
const sasl = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey =>
  notYet(name, type, value, meaning, SASL);
const saslCfg = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey =>
  defineKey(name, { scope: "cfg", type, default: value, meaning, reason: SASL, state: "not yet" });
const tlsCfg = (name: string, meaning: string): ConfigKey =>
  defineKey(name, { scope: "cfg", type: "boolean", default: "false", meaning, reason: TLS, state: "not yet" });

/** Authentication, authorization, TLS (Administrator's Guide, "Encryption, Authentication, Authorization Options"). */
export const securityKeys: readonly ConfigKey[] = [
  defineKey("4lw.commands.whitelist", {
    type: "list",
    default: "srvr",
    example: "srvr,stat,ruok,mntr",
    meaning: "The four-letter words that are answered, separated by commas; * for all. srvr always is.",
    reason: "Some of them are expensive or show who uses what.",
  }),
  defineKey("skipACL", {
    type: "yesno",
    default: "no",
    values: ["yes", "no"],
    meaning: "Turns ACL checks off.",
    reason: "A last resort: with yes, everybody may do everything.",
  }),
  defineKey("DigestAuthenticationProvider.enabled", {
    type: "boolean",
    default: "true",
    meaning: "Whether the digest scheme exists.",
    reason: "Its passwords cross the network in the clear.",
  }),
  defineKey("DigestAuthenticationProvider.superDigest", {
    type: "secret",
    default: "",
    example: "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=",
    meaning: "The digest id, `super:<base64 hash>`, whose owner may do everything.",
    reason: "The way back in when an ACL has locked everybody out.",
  }),
  defineKey("DigestAuthenticationProvider.digestAlg", {
    type: "string",
    default: "SHA1",
    meaning: "The hash of the digest scheme, as Java names it: SHA1, SHA-256, SHA-512, …",
    reason: "Ids in stored ACLs were made with one algorithm, so it cannot change without rewriting them.",
  }),
  defineKey("IPAuthenticationProvider.usexforwardedfor", {
    type: "boolean",
    default: "false",
    meaning: "Whether the admin server takes a client's address from X-Forwarded-For.",
    reason: "The admin server comes in a later version.",
    state: "not yet",
  }),
  notYet("X509AuthenticationProvider.superUser", "string", "", "The certificate name that may do everything.", TLS),
  defineKey("superUser", {
    pattern: /^superUser(\.\w+)?$/,
    type: "string",
    default: "",
    meaning: "SASL principals that may do everything: superUser, superUser.1, …",
    reason: SASL,
    state: "not yet",
  }),
  defineKey("authProvider.N", {
    pattern: /^authProvider\..+$/,
    type: "string",
    default: "",
    supported: ["org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider"],
    meaning: "The Java class of a further authentication provider.",
    reason: "ZooKeeper's ensemble provider works, SASL and x509 come in later versions, other classes cannot run here.",
    state: "not yet",
  }),
  defineKey("ensembleAuthName", {
    type: "list",
    default: "",
    example: "prod-zk",
    meaning: "The names that clients of the ensemble scheme may give.",
    reason: "A client that was configured for another ensemble is turned away; needs the ensemble provider.",
  }),
  defineKey("sessionRequireClientSASLAuth", {
    type: "boolean",
    default: "false",
    meaning: "Whether requests without SASL authentication are refused.",
    reason: "Needs the SASL provider; as SASL comes in a later version, every request is then refused.",
  }),
  defineKey("enforce.auth.enabled", {
    type: "boolean",
    default: "false",
    meaning: "Whether a client must authenticate by one of enforce.auth.schemes before its first request.",
    reason: "ACLs alone leave open znodes open to everybody.",
  }),
  defineKey("enforce.auth.schemes", {
    type: "list",
    default: "",
    example: "digest",
    meaning: "The schemes of which one is required, separated by commas.",
    reason: "Needed when enforce.auth.enabled is true.",
  }),
  sasl("allowSaslFailedClients", "boolean", "false", "Whether a client may go on after SASL failed."),
  sasl("letAnySaslUserDoX", "string", "", "The permission that any SASL user has."),
  notYet("SASLAuthenticationProvider.superPassword", "secret", "", "The password of the SASL user super.", SASL),
  sasl("sasl.serverconfig", "string", "Server", "The section of the JAAS file for clients."),
  sasl("kerberos.removeHostFromPrincipal", "boolean", "false", "Whether the host is cut from a principal."),
  sasl("kerberos.removeRealmFromPrincipal", "boolean", "false", "Whether the realm is cut from a principal."),
  sasl("kerberos.canonicalizeHostNames", "boolean", "false", "Whether host names are looked up for principals."),
  sasl("kerberos.minReLoginTimeMs", "long", "60000", "The shortest time between logins."),
  sasl("kinit", "path", "/usr/bin/kinit", "The kinit command."),
  sasl("security.auth_to_local", "string", "DEFAULT", "The rules from principals to names."),
  sasl("requireKerberosConfig", "boolean", "false", "Whether a start without Kerberos configuration fails."),
  sasl("server.realm", "string", "", "The realm of this server's principal."),
  defineKey("java.security.auth.login.config", {
    scope: "jvm",
    type: "path",
    default: "",
    meaning: "The JAAS file.",
    reason: SASL,
    state: "not yet",
  }),
  saslCfg("quorum.auth.enableSasl", "boolean", "false", "Whether members authenticate by SASL."),
  saslCfg("quorum.auth.learnerRequireSasl", "boolean", "false", "Whether a learner insists on it."),
  saslCfg("quorum.auth.serverRequireSasl", "boolean", "false", "Whether a server insists on it."),
  saslCfg(
    "quorum.auth.learner.saslLoginContext",
    "string",
    "QuorumLearner",
    "The section of the JAAS file for learners.",
  ),
  saslCfg("quorum.auth.server.saslLoginContext", "string", "QuorumServer", "The section of the JAAS file for servers."),
  saslCfg("quorum.auth.kerberos.servicePrincipal", "string", "zkquorum/localhost", "The principal of members."),
  tlsCfg("sslQuorum", "Whether members talk TLS."),
  tlsCfg("portUnification", "Whether the quorum ports take TLS and plain connections."),
  tlsCfg("sslQuorumReloadCertFiles", "Whether the members' certificate files are read again when they change."),
  notYet(
    "client.portUnification",
    "boolean",
    "false",
    "Whether the TLS client port also takes plain connections.",
    TLS,
  ),
  notYet(
    "client.certReload",
    "boolean",
    "false",
    "Whether the client port's certificate files are read again when they change.",
    TLS,
  ),
  notYet("ssl.authProvider", "string", "x509", "The scheme that authenticates TLS clients.", TLS),
  notYet("ssl.sslProvider", "string", "JDK", "The TLS implementation: JDK or OpenSSL.", TLS),
  notYet("fips-mode", "boolean", "true", "Whether only FIPS-approved algorithms are used.", TLS),
  ...tlsKeys("ssl", "client connections", "false"),
  ...tlsKeys("ssl.quorum", "connections between members", "true"),
];

function tlsKeys(prefix: string, where: string, clientHostnameVerification: string): ConfigKey[] {
  const key = (name: string, type: ConfigRow["type"], value: string, meaning: string): ConfigKey =>
    notYet(`${prefix}.${name}`, type, value, `${meaning}, for ${where}.`, TLS);
  const store = (name: string, what: string): ConfigKey[] => [
    key(`${name}.location`, "path", "", `The file of ${what}`),
    key(`${name}.password`, "secret", "", `The password of ${what}`),
    key(`${name}.passwordPath`, "path", "", `The file that holds the password of ${what}`),
    key(`${name}.type`, "string", "(by extension)", `The format of ${what}: JKS, PEM, PKCS12 or BCFKS`),
  ];
  return [
    ...store("keyStore", "the private key"),
    ...store("trustStore", "the trusted certificates"),
    key("protocol", "string", "TLSv1.3", "The TLS protocol"),
    key("enabledProtocols", "list", "(protocol)", "The TLS protocols that are accepted"),
    key("ciphersuites", "list", "(by protocol)", "The cipher suites that are accepted"),
    key("clientAuth", "string", "need", "Whether the other side needs a certificate: none, want or need"),
    key("hostnameVerification", "boolean", "true", "Whether the certificate's host name is checked"),
    key(
      "clientHostnameVerification",
      "boolean",
      clientHostnameVerification,
      "Whether that is done for incoming connections",
    ),
    key("allowReverseDnsLookup", "boolean", "false", "Whether an address may be looked up for that check"),
    key("crl", "boolean", "false", "Whether revocation lists are checked"),
    key("ocsp", "boolean", "false", "Whether OCSP is asked"),
    key(
      "handshakeDetectionTimeoutMillis",
      "int",
      "5000",
      "How long to wait for the first bytes where TLS and plain share a port",
    ),
    key("context.supplier.class", "string", "", "The Java class that makes TLS contexts"),
  ];
}
