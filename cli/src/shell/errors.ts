/** The exit code of a command that does not exist, as a Unix shell's. */
const NOT_FOUND = 127;

/** A command could not do what it was asked for. `message` is what zkCli prints for it, word by word. */
export class ShellError extends Error {
  /** Stable, for scripts: in the `code` field of errors in JSON. */
  readonly code: string = "FAILED";

  constructor(
    message: string,
    readonly exitCode = 1,
    /** What to do next; shown on a terminal and in JSON. */
    readonly hint: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The exit code of a command that was interrupted, as a Unix shell's. */
const INTERRUPTED = 130;

/** The user gave the command up. */
export class InterruptedError extends ShellError {
  override readonly code = "INTERRUPTED";

  constructor(options?: ErrorOptions) {
    super("interrupted", INTERRUPTED, null, options);
  }
}

/** The words of a command cannot be understood. */
export class UsageError extends ShellError {
  override readonly code = "USAGE";

  constructor(message: string, hint: string | null = null) {
    super(message, 1, hint);
  }
}

/** The options of a command cannot be understood. zkCli shows the name of Commons CLI's exception, and so scripts see it. */
export class ParseError extends ShellError {
  override readonly code = "USAGE";

  constructor(
    exception: string,
    /** The same without the name of a Java class, for people. */
    readonly plainMessage: string,
  ) {
    super(`org.apache.commons.cli.${exception}: ${plainMessage}`);
  }
}

/** The path is not one that a server would accept. */
export class PathError extends ShellError {
  override readonly code = "BAD_PATH";
}

export class UnknownCommandError extends ShellError {
  override readonly code = "UNKNOWN_COMMAND";

  constructor(name: string, guess: string | null) {
    const hint = guess === null ? "help lists all commands" : `did you mean ${guess}? help lists all commands`;
    super(`Command not found: Command not found ${name}`, NOT_FOUND, hint);
  }
}
