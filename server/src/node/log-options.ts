import type { Log } from "../core/capabilities.js";
import { LOG_BYTES_IN_FLIGHT_MAX } from "../core/limits.js";
import type { QuollConfig } from "./config/quoll-config.js";
import type { LogClientOptions, LogEvents } from "./disk/log-client.js";

/** What the configuration says of the txn log. */
export function logOptions(config: QuollConfig, directory: string): Omit<LogClientOptions, "lastZxid"> {
  return {
    directory,
    preAllocBytes: config.log.preAllocSizeBytes,
    sizeLimitBytes: config.log.sizeLimitBytes ?? 0,
    reserveBytes: config.log.reserveBytes,
    forceSync: config.log.forceSync,
    slowSyncMs: config.log.fsyncWarningThresholdMs,
    inFlightMax: LOG_BYTES_IN_FLIGHT_MAX,
  };
}

/** What operators are told of a disk that is slow or full. */
export function logWarnings(log: Log, directory: string): Required<Pick<LogEvents, "onSlowSync" | "onRoom">> {
  return {
    onSlowSync: (ms, path, size) => {
      log.warn({ ms, file: path, size }, "fsync of the txn log is slow; it delays every write");
    },
    onRoom: (isThere, freeBytes) => {
      const where = { directory, freeBytes };
      if (isThere) log.info(where, "there is room for the txn log again; the writes that waited go on");
      else log.error(where, "too little room for the txn log: writes wait until there is more, reads go on");
    },
  };
}
