import type { ServerAddress } from "../core/connect-string.js";
import type { SessionConfig } from "../core/session-config.js";
import type { ClientOptions } from "./options.js";

/**
 * Checks the options and completes them.
 * @throws RangeError that names the option, its value, and its bounds
 */
export function sessionConfig(
  servers: readonly ServerAddress[],
  chroot: string,
  options: ClientOptions,
): SessionConfig {
  const sessionTimeoutMs = within("sessionTimeoutMs", options.sessionTimeoutMs ?? 30_000, 1, INT_MAX);
  const connectTimeoutMs = options.connectTimeoutMs ?? Math.max(sessionTimeoutMs / servers.length, 1);
  const backoffMinMs = within("backoff.minMs", options.backoff?.minMs ?? 100, 0, INT_MAX);
  const backoffMaxMs = options.backoff?.maxMs ?? Math.max(2_000, backoffMinMs);
  return {
    servers,
    chroot,
    sessionTimeoutMs,
    connectTimeoutMs: within("connectTimeoutMs", connectTimeoutMs, 1, INT_MAX),
    operationTimeoutMs: within("operationTimeoutMs", options.operationTimeoutMs ?? 30_000, 0, INT_MAX),
    readRetries: within("readRetries", options.readRetries ?? 10, 0, INT_MAX),
    readOnly: options.readOnly ?? false,
    renewSession: options.renewSession ?? true,
    backoffMinMs,
    backoffMaxMs: within("backoff.maxMs", backoffMaxMs, backoffMinMs, INT_MAX),
    juteMaxBuffer: within("juteMaxBuffer", options.juteMaxBuffer ?? 0xfffff, 1_024, INT_MAX),
    replyMaxBytes: within("replyMaxBytes", options.replyMaxBytes ?? 64 * 1_048_576, 1_024, INT_MAX),
    inFlightMax: within("inFlightMax", options.inFlightMax ?? 1_000, 1, INT_MAX),
    queueMax: within("queueMax", options.queueMax ?? 100_000, 0, INT_MAX),
    hasSasl: options.sasl !== undefined,
    session: options.session ?? null,
  };
}

const INT_MAX = 0x7fffffff;

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name} is ${value}; it must be from ${min} to ${max}`);
}
