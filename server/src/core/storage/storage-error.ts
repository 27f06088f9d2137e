import { QuollError } from "@quoll/jute";

/** A call to the disk failed. After a failed write or sync nothing is retried (rule D33). */
export class DiskError extends QuollError {
  readonly code = "DISK";
  /**
   * @param operation - the call, for instance `write`
   * @param path - the file or directory
   * @param errno - the system's name of the error, for instance `ENOSPC`
   */
  constructor(
    readonly operation: string,
    readonly path: string,
    readonly errno: string,
    cause?: unknown,
  ) {
    super(`${operation} ${path}: ${errno}`, { cause });
  }
}

/** The directories cannot be used as they are: missing, mixed up, locked by another server, or without a database. */
export class DataDirectoryError extends QuollError {
  readonly code = "DATA_DIRECTORY";
  constructor(
    readonly path: string,
    problem: string,
    nextStep: string,
  ) {
    super(`${path}: ${problem}. ${nextStep}`);
  }
}

/** A file was written by a newer version, or is no file of this kind. Nothing was changed. */
export class FormatError extends QuollError {
  readonly code = "FORMAT";
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly got: string,
  ) {
    super(
      `${path}: expected ${expected}, got ${got}. Start the version that wrote this directory, or restore a backup.`,
    );
  }
}

/** One damaged place in the files. */
export interface Damage {
  readonly file: string;
  /** Byte offset in the file, or -1 when the whole file is meant. */
  readonly offset: number;
  /** What is wrong there. */
  readonly problem: string;
  /** Which txns are lost or cannot be trusted. */
  readonly lost: string;
}

/**
 * Acknowledged data is damaged: the server must neither serve nor vote with what it has. Nothing was changed on disk.
 * A member of an ensemble takes its data back from the quorum; a standalone server can only be helped by its operator.
 */
export class DamagedError extends QuollError {
  readonly code = "DAMAGED";
  constructor(readonly damage: Damage) {
    const place = damage.offset < 0 ? damage.file : `${damage.file} at byte ${damage.offset}`;
    super(
      `the data is DAMAGED: ${place}: ${damage.problem}. Lost: ${damage.lost}. Nothing was changed on disk. ` +
        "Copy the directory away, then restore the named file (or the whole directory) from a backup; to go on without " +
        "the lost txns, move this and all later log files and all later snapshots out of the directory.",
    );
  }
}
