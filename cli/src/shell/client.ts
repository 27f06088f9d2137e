import { readFileSync } from "node:fs";
import { createClient, type NodeClientOptions, type ZooKeeper } from "@quoll/client";
import { parseProperties } from "@quoll/server/internal";
import { UsageError } from "./errors.js";
import type { LaunchOptions } from "./launch-options.js";

/**
 * What opens sessions for a shell.
 * @throws {@link UsageError} the client configuration cannot be read or asks for what there is not
 */
export function openClient(options: LaunchOptions): (servers: string) => ZooKeeper {
  const { timeoutMs, readOnly, clientConfiguration } = options;
  const configured = clientConfiguration === null ? {} : configuredOptions(clientConfiguration);
  const all: NodeClientOptions = { sessionTimeoutMs: Math.max(timeoutMs, 1), readOnly, ...configured };
  return (servers) => createClient(servers, all);
}

/** The properties of ZooKeeper's client that have a meaning here. */
function configuredOptions(file: string): NodeClientOptions {
  const read = (path: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new UsageError(`Error while processing ${file}: ${(error as Error).message}`);
    }
  };
  const properties = new Map(
    parseProperties(read(file).toString("latin1"), file).map(({ key, value }) => [key.trim(), value.trim()]),
  );
  const property = (name: string) => properties.get(`zookeeper.${name}`) ?? properties.get(name);
  const number = (name: string): number | undefined => {
    const text = property(name);
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return Number(text);
    throw new UsageError(`${file}: ${name} must be a whole number, not ${text}`);
  };
  const operationTimeoutMs = number("request.timeout");
  const juteMaxBuffer = number("jute.maxbuffer");
  return {
    ...(operationTimeoutMs === undefined ? {} : { operationTimeoutMs }),
    ...(juteMaxBuffer === undefined ? {} : { juteMaxBuffer, replyMaxBytes: Math.max(juteMaxBuffer, 1024) }),
    ...(property("client.secure") === "true" ? { tls: tlsOptions(property, read, file) } : {}),
  };
}

/** Key stores in PEM or PKCS12; Node cannot read Java's own kind. */
function tlsOptions(
  property: (name: string) => string | undefined,
  read: (path: string) => Buffer,
  file: string,
): NonNullable<NodeClientOptions["tls"]> {
  const store = (kind: "keyStore" | "trustStore") => {
    const path = property(`ssl.${kind}.location`);
    if (path === undefined) return null;
    const type = (property(`ssl.${kind}.type`) ?? typeOfName(path)).toUpperCase();
    if (type !== "PEM" && type !== "PKCS12") {
      throw new UsageError(
        `${file}: ssl.${kind}.type ${type} cannot be read here`,
        "keytool -importkeystore converts it to PKCS12",
      );
    }
    const passwordFile = property(`ssl.${kind}.passwordPath`);
    const password =
      passwordFile === undefined ? property(`ssl.${kind}.password`) : read(passwordFile).toString().trim();
    return { type, bytes: read(path), password };
  };
  const keys = store("keyStore");
  const trust = store("trustStore");
  if (trust?.type === "PKCS12") {
    throw new UsageError(
      `${file}: ssl.trustStore must be PEM here`,
      "openssl pkcs12 -nokeys -in STORE -out ca.pem converts it",
    );
  }
  return {
    ...(keys?.type === "PEM" ? { cert: keys.bytes, key: keys.bytes } : keys === null ? {} : { pfx: keys.bytes }),
    ...(keys?.password === undefined ? {} : { passphrase: keys.password }),
    ...(trust === null ? {} : { ca: trust.bytes }),
    ...(property("ssl.hostnameVerification") === "false" ? { checkServerIdentity: () => undefined } : {}),
  };
}

function typeOfName(path: string): string {
  if (path.endsWith(".pem")) return "PEM";
  return path.endsWith(".p12") || path.endsWith(".pfx") ? "PKCS12" : "JKS";
}
