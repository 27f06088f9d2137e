import { type DestinationStream, pino } from "pino";
import type { Logger, LogLevel } from "./logging.js";

/**
 * Pino, in a file of its own so that it is loaded only where there is something to log.
 * @param stream - where lines go instead of standard output as JSON
 * @param fields - what becomes of each line's fields
 */
export function openPino(
  level: LogLevel,
  stream: DestinationStream | null,
  fields: (fields: Record<string, unknown>) => Record<string, unknown>,
): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: fields },
  };
  return pino(options, stream ?? pino.destination({ dest: 1, sync: true }));
}
