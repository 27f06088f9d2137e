import type { SettingSource } from "./config-error.js";

/** A `-Dname=value`. */
export interface SystemProperty {
  readonly name: string;
  readonly value: string;
  readonly source: SettingSource;
}

/** What a java command line says to us: its properties, its operands, and what only a JVM understands. */
export interface JvmCommandLine {
  readonly properties: readonly SystemProperty[];
  readonly operands: readonly string[];
  readonly ignored: readonly string[];
}

/** JVM options that take the next word as their value. */
const OPTIONS_WITH_VALUE = new Set([
  "-cp",
  "-classpath",
  "--class-path",
  "-p",
  "--module-path",
  "--upgrade-module-path",
  "--add-modules",
  "--add-opens",
  "--add-exports",
  "--add-reads",
  "--patch-module",
]);

const MAIN_CLASS = /^org\.apache\.zookeeper\.server\.(ZooKeeperServerMain|quorum\.QuorumPeerMain)$/;

/**
 * Takes a java command line apart: `-D` properties, operands, and the rest (heap sizes, class paths, agents, the name of
 * ZooKeeper's main class), which has no meaning here.
 */
export function parseJvmFlags(words: readonly string[], sourceName: string): JvmCommandLine {
  const source: SettingSource = { file: sourceName, line: 0 };
  const properties: SystemProperty[] = [];
  const operands: string[] = [];
  const ignored: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word.startsWith("-D") && word.length > 2) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      properties.push({ name, value: equals < 0 ? "" : word.slice(equals + 1), source });
    } else if (OPTIONS_WITH_VALUE.has(word)) {
      ignored.push(word);
      i++;
    } else if (word.startsWith("-")) {
      ignored.push(word);
    } else if (MAIN_CLASS.test(word)) {
      ignored.push(word);
    } else {
      operands.push(word);
    }
  }
  return { properties, operands, ignored };
}

/**
 * The properties of the environment, in the order in which zkServer.sh puts them on the command line, where a later one
 * wins: SERVER_JVMFLAGS, then JVMFLAGS. Words are split at white space, without quotes, as the unquoted variable is there.
 */
export function environmentFlags(env: Readonly<Record<string, string | undefined>>): JvmCommandLine {
  const properties: SystemProperty[] = [];
  const ignored: string[] = [];
  for (const name of ["SERVER_JVMFLAGS", "JVMFLAGS"]) {
    const words = (env[name] ?? "").split(/\s+/).filter((word) => word !== "");
    const flags = parseJvmFlags(words, name);
    properties.push(...flags.properties);
    ignored.push(...flags.ignored, ...flags.operands);
  }
  return { properties, operands: [], ignored };
}
