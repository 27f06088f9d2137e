import { QuollError } from "@quoll/jute";
import { exitCodeOf } from "../exit-code.js";

/** Exit codes of the offline tools, beside those of a server (`exit-code.ts`). */
export const ToolExit = {
  ok: 0,
  /** What was asked for is not there, or could not be done. */
  failed: 1,
  /** The command line is wrong. */
  invocation: 2,
  /** A directory is missing, unreadable or in use. */
  directory: 3,
  /** Nothing acknowledged is lost, but a start of the server would repair something. */
  repairable: 19,
  /** Acknowledged data is damaged. */
  damaged: 20,
  /** A read, write or sync failed. */
  disk: 21,
  /** A file is of another version, or of another kind. */
  format: 22,
} as const;

/** An offline tool can't go on; the message says why and what to do. */
export class ToolError extends QuollError {
  readonly code = "TOOL";
  constructor(
    readonly exitCode: number,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** The exit code for whatever ended a tool. */
export function exitCodeOfTool(error: unknown): number {
  return error instanceof ToolError ? error.exitCode : exitCodeOf(error);
}
