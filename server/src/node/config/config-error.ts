import { QuollError } from "@quoll/jute";

/** Where a setting was written. `line` is 0 where there are no lines (a command line, the environment). */
export interface SettingSource {
  /** The path of the file as it was given, or `command line`, `SERVER_JVMFLAGS`, `JVMFLAGS`. */
  readonly file: string;
  readonly line: number;
}

/** A setting that cannot be served. The server does not start; the exit code is 2, as with ZooKeeper. */
export class ConfigError extends QuollError {
  readonly code = "CONFIG";
  readonly file: string;
  /** 1 for the first line; 0 where there are no lines. */
  readonly line: number;

  /**
   * @param source - where it stands
   * @param key - the key as the operator wrote it, or `""` when the file as a whole is at fault
   * @param value - what it was set to, or null when it is missing
   * @param accepted - what is accepted, as the end of "it must …"
   * @param hint - a setting that would work, or `""`
   */
  constructor(
    source: SettingSource,
    readonly key: string,
    readonly value: string | null,
    readonly accepted: string,
    readonly hint = "",
  ) {
    super(messageOf(source, key, value, accepted, hint));
    this.file = source.file;
    this.line = source.line;
  }
}

function messageOf(source: SettingSource, key: string, value: string | null, accepted: string, hint: string): string {
  const where = source.line > 0 ? `${source.file}:${source.line}` : source.file;
  const tail = hint === "" ? "" : ` (try ${hint})`;
  if (key === "") return `${where}: ${accepted}${tail}`;
  const state = value === null ? "is not set" : value === "" ? "is empty" : `is ${value}`;
  return `${where}: ${key} ${state}; it must ${accepted}${tail}`;
}
