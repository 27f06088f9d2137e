/** The exit codes of a server: ZooKeeper's where it has one. */
export const ExitCode = {
  /** It was stopped by a signal. */
  executionFinished: 0,
  unexpectedError: 1,
  /** The command line or the configuration is wrong. */
  invalidInvocation: 2,
  /** A data directory is missing, not writable, or in use. */
  unableToAccessDatadir: 3,
  /** Acknowledged data is damaged. This and those below are not ZooKeeper's, whose codes end at 14. */
  damaged: 20,
  /** A write or an fsync failed. */
  diskFailed: 21,
  /** The data is of another version. */
  unknownFormat: 22,
  /** The client port can't be listened on: another process has it, or it may not be had. */
  clientPort: 23,
} as const;

/** By the `code` of the errors that end a start; see each error's class. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  CONFIG: ExitCode.invalidInvocation,
  DATA_DIRECTORY: ExitCode.unableToAccessDatadir,
  DAMAGED: ExitCode.damaged,
  DISK: ExitCode.diskFailed,
  FORMAT: ExitCode.unknownFormat,
  LISTEN: ExitCode.clientPort,
};

export function exitCodeOf(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code;
  return (typeof code === "string" ? EXIT_CODES[code] : undefined) ?? ExitCode.unexpectedError;
}
