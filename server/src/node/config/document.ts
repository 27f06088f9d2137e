import { type ConfigKey, propertyOf } from "./config-key.js";
import { configKeys, configSections } from "./config-table.js";

/** The text of docs/configuration.md, made from the config table. */
export function configurationDocument(): string {
  const lines = [
    "<!-- Generated from the config table (server/src/node/config/keys) by `npm run generate`. Do not edit. -->",
    "",
    "# Configuration",
    "",
    ...INTRODUCTION,
    "",
    ...counts(),
  ];
  for (const { title, keys } of configSections) {
    lines.push(
      "",
      `## ${title}`,
      "",
      "| Key | Value | Default | Meaning and reason | State |",
      "| --- | --- | --- | --- | --- |",
    );
    for (const key of keys) lines.push(row(key));
  }
  lines.push("");
  return lines.join("\n");
}

const INTRODUCTION = [
  "Quoll reads ZooKeeper's configuration as ZooKeeper 3.9.5 does. A setting comes from one of",
  "",
  "- `zoo.cfg`: a `java.util.Properties` file. A key that is not one of its own becomes the system property",
  "  `zookeeper.<key>`, so `snapCount=1000` there and `-Dzookeeper.snapCount=1000` are the same.",
  "- `-Dname=value` on the command line of `quoll server`, or in `SERVER_JVMFLAGS` or `JVMFLAGS`. `zoo.cfg` wins over them;",
  "  among them the last one does, the command line coming last.",
  "",
  "In the tables a key marked **cfg** is a key of `zoo.cfg` only; one marked **-D** is a system property without prefix, which",
  "`zoo.cfg` cannot set; all others may stand in `zoo.cfg` or, with `zookeeper.` before them, in `-D`.",
  "",
  "A value that does not fit stops the start with the place, the value and what is accepted, and exit code 2. ZooKeeper",
  "ignores some of them silently. An unknown key has no effect, as in ZooKeeper, and is named in a warning.",
  "",
  "**works**: as in ZooKeeper. **no effect here**: accepted; the reason says why nothing depends on it. **not yet**: a warning",
  "names it when it is set to anything but its default.",
];

function counts(): string[] {
  const count = (state: string): number => configKeys.filter((key) => key.state === state).length;
  return [
    `${configKeys.length} keys: ${count("works")} work, ${count("no effect here")} have no effect here, ${count("not yet")} do not work yet.`,
  ];
}

function row(key: ConfigKey): string {
  const marks = key.scope === "cfg" ? " **cfg**" : key.scope === "jvm" ? " **-D**" : "";
  const aliases = (key.aliases ?? []).filter((alias) => alias !== propertyOf(key));
  const also = aliases.length === 0 ? "" : `<br>also \`-D${aliases.join("`, `-D")}\``;
  const cells = [
    `\`${key.name}\`${marks}${also}`,
    accepted(key),
    key.default === "" ? "–" : key.default.startsWith("(") ? key.default.slice(1, -1) : `\`${key.default}\``,
    `${key.meaning} ${key.reason}`,
    key.state,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function accepted(key: ConfigKey): string {
  if (key.values !== undefined) return key.values.map((value) => (value === "" ? "empty" : `\`${value}\``)).join(", ");
  const unit = key.unit === undefined ? "" : ` in ${key.unit}`;
  return `${key.type}${unit}${bounds(key)}`;
}

function bounds({ min, max, belowMin }: ConfigKey): string {
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}`;
  if (max !== undefined) return `, at most ${max}`;
  if (min === undefined) return "";
  return belowMin === undefined ? `, at least ${min}` : `, at least ${min} (below it means ${belowMin})`;
}
