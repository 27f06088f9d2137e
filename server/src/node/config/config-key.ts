/**
 * How the text of a value is read.
 * - `int`, `long`: decimal; a system property also takes `0x…`, `#…` and a leading 0 for octal, as `Integer.decode` does
 * - `boolean`: true or false in any case; `yesno`: exactly yes or no
 * - `enum`: one of {@link ConfigKey.values}, in any case; `list`: comma-separated
 * - `secret`: a string that no log line or listing may show
 */
export type ConfigType =
  | "int"
  | "long"
  | "double"
  | "boolean"
  | "yesno"
  | "string"
  | "path"
  | "enum"
  | "list"
  | "secret";

/**
 * Where a key may stand.
 * - `cfg`: a native key of zoo.cfg; as a `-D` property it means nothing
 * - `property`: the system property `zookeeper.<name>`; in zoo.cfg `<name>` alone, which ZooKeeper turns into it
 * - `jvm`: a system property without prefix, so only `-D<name>=…`; in zoo.cfg ZooKeeper ignores it
 */
export type ConfigScope = "cfg" | "property" | "jvm";

/** What setting the key does today. `no effect here` stays so, and {@link ConfigKey.reason} says why. */
export type ConfigState = "works" | "no effect here" | "not yet";

/** One row of the table from which the parser, its checks, the documentation and the admin listing are derived. */
export interface ConfigKey {
  /** As it stands in ZooKeeper's documentation; a family like `server.N` has a {@link ConfigKey.pattern} too. */
  readonly name: string;
  readonly scope: ConfigScope;
  /** Matches the names of a family, in full. */
  readonly pattern?: RegExp;
  /** Further system properties, in full, that mean the same and yield to {@link ConfigKey.name}. */
  readonly aliases?: readonly string[];
  readonly type: ConfigType;
  readonly unit?: string;
  /** As one would write it; `""` for none. For a derived default, words in parentheses. */
  readonly default: string;
  readonly min?: number;
  readonly max?: number;
  /** What ZooKeeper takes, with a warning, for a number below {@link ConfigKey.min}. Without it that is an error. */
  readonly belowMin?: number;
  readonly values?: readonly string[];
  /** Values that work although the key as a whole does not yet. */
  readonly supported?: readonly string[];
  /** A value that works, for error messages; the default if absent. */
  readonly example?: string;
  /** One sentence. */
  readonly meaning: string;
  /** Why there is such a key, default or bound; for a key without effect, why it has none. */
  readonly reason: string;
  readonly state: ConfigState;
}

/** The rest of a row: a key that works and is a `zookeeper.` property unless it says otherwise. */
export type ConfigRow = Omit<ConfigKey, "name" | "scope" | "state"> & Partial<Pick<ConfigKey, "scope" | "state">>;

export function defineKey(name: string, row: ConfigRow): ConfigKey {
  return Object.freeze({ scope: "property", state: "works", ...row, name } as const);
}

/** The system property behind a key, or null for a native key of zoo.cfg. */
export function propertyOf(key: ConfigKey): string | null {
  if (key.scope === "cfg") return null;
  return key.scope === "jvm" ? key.name : `zookeeper.${key.name}`;
}
