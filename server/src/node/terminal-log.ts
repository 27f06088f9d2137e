import type { DestinationStream } from "pino";
import { build } from "pino-pretty";

/** Readable lines in colour, on standard output. */
export function terminalStream(): DestinationStream {
  return build({ destination: 1, sync: true, colorize: true, translateTime: "SYS:HH:MM:ss.l" });
}
