import { ConfigError, type SettingSource } from "./config-error.js";
import { type ConfigKey, propertyOf } from "./config-key.js";
import { configKeys, findKey } from "./config-table.js";
import { didYouMean } from "./did-you-mean.js";
import type { SystemProperty } from "./jvm-flags.js";
import type { Property } from "./properties.js";

/** A value that somebody set, with the place and the name under which it stands there. */
export interface Setting {
  readonly value: string;
  readonly source: SettingSource;
  readonly writtenAs: string;
}

/** Something to tell the operator once the log is open. */
export interface ConfigNotice {
  readonly level: "info" | "warn";
  readonly message: string;
}

/** Properties of the JVM itself and of Java's log libraries: they mean nothing here and are not worth a word. */
const FOREIGN_PROPERTY =
  /^(java|javax|jdk|sun|com\.sun|log4j2?|logback|slf4j|user|file|os|net|networkaddress|io\.netty|hadoop|curator|visualvm)\b/;

const KEY_NAMES = configKeys.filter((key) => key.pattern === undefined).map((key) => key.name);

/**
 * What was set, looked up by rows of the config table.
 *
 * zoo.cfg wins over `-D`, since ZooKeeper writes each of its unknown keys over the system property while it reads the
 * file. Among `-D` the last one wins.
 */
export class Settings {
  readonly notices: ConfigNotice[] = [];
  /** Native keys of zoo.cfg, by name. */
  private readonly native = new Map<string, Setting>();
  private readonly system = new Map<string, Setting>();
  /** Names of the rows that somebody asked for; a test compares them with the rows that claim to work. */
  readonly used = new Set<string>();

  addProperty({ name, value, source }: SystemProperty): void {
    this.system.set(name, { value, source, writtenAs: `-D${name}` });
  }

  addZooCfg(property: Property, file: string): void {
    const name = property.key.trim();
    const setting: Setting = {
      value: property.value.trim(),
      source: { file, line: property.line },
      writtenAs: name,
    };
    if (isNative(name)) {
      this.native.set(name, setting);
      return;
    }
    this.system.set(`zookeeper.${name}`, setting);
  }

  /** The setting behind a row of the table; of a family, the one under the row's own name. */
  get(key: ConfigKey): Setting | undefined {
    this.used.add(key.name);
    const property = propertyOf(key);
    const own = property === null ? this.native.get(key.name) : this.system.get(property);
    if (own !== undefined) return own;
    for (const alias of key.aliases ?? []) {
      const setting = this.system.get(alias);
      if (setting !== undefined) return setting;
    }
    return undefined;
  }

  /** All native settings of zoo.cfg whose name begins so, in file order. */
  nativeWithPrefix(prefix: string): Array<readonly [name: string, setting: Setting]> {
    return [...this.native].filter(([name]) => name.startsWith(prefix));
  }

  /** The values of a family of properties, such as `authProvider.N`. */
  family(name: string): readonly string[] {
    const { pattern } = rowOf(name);
    this.used.add(name);
    const prefix = "zookeeper.";
    return [...this.system]
      .filter(([property]) => property.startsWith(prefix) && pattern!.test(property.slice(prefix.length)))
      .map(([, setting]) => setting.value);
  }

  /** The effective system properties, as Java's `System.getProperties` would list them. */
  properties(): ReadonlyMap<string, string> {
    return new Map([...this.system].map(([name, setting]) => [name, setting.value]));
  }

  info(message: string): void {
    this.notices.push({ level: "info", message });
  }

  warn(message: string): void {
    this.notices.push({ level: "warn", message });
  }

  text(name: string): string {
    const key = rowOf(name);
    const setting = this.get(key);
    return setting === undefined ? key.default : setting.value;
  }

  /** Like {@link text}, but null when nobody set it or it is empty. */
  textOrNull(name: string): string | null {
    const value = this.get(rowOf(name))?.value ?? "";
    return value === "" ? null : value;
  }

  boolean(name: string): boolean {
    return parseBoolean(rowOf(name), this.get(rowOf(name)));
  }

  /** @returns true for yes */
  yes(name: string): boolean {
    return this.text(name) === "yes";
  }

  list(name: string): readonly string[] {
    return this.text(name)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  /** An int, long or double; a number below its bound that ZooKeeper replaces is replaced, with a warning. */
  number(name: string): number {
    const key = rowOf(name);
    const setting = this.get(key);
    if (setting === undefined) return Number(key.default);
    const value = parseNumber(key, setting);
    if (key.min === undefined || value >= key.min || key.belowMin === undefined) return value;
    this.warn(`${place(setting)} is ${setting.value}; below ${key.min} it means ${key.belowMin}`);
    return key.belowMin;
  }

  /** Like {@link number}, or null when nobody set it. */
  numberOrNull(name: string): number | null {
    return this.get(rowOf(name)) === undefined ? null : this.number(name);
  }

  /** The error for a value that is wrong only beside others; `whole` is named where nobody set the key. */
  reject(name: string, whole: SettingSource, value: string | null, accepted: string, hint = ""): ConfigError {
    const setting = this.get(rowOf(name));
    return new ConfigError(setting?.source ?? whole, setting?.writtenAs ?? name, value, accepted, hint);
  }

  /** Checks every value that was set against its row, and warns of what is unknown or does nothing. */
  checkAll(): void {
    for (const [name, setting] of this.native) {
      const key = findKey(name);
      if (key === undefined) this.warnUnknown(setting);
      else this.checkOne(key, setting);
    }
    for (const [name, setting] of this.system) this.checkSystem(name, setting);
  }

  private checkSystem(name: string, setting: Setting): void {
    if (!name.startsWith("zookeeper.")) {
      this.checkUnprefixed(name, setting);
      return;
    }
    const fromFile = !setting.writtenAs.startsWith("-D");
    const key = findKey(name.slice("zookeeper.".length));
    const doubled = fromFile ? findKey(setting.writtenAs.replace(/^zookeeper\./, "")) : undefined;
    if (key?.scope === "property" || key?.aliases?.includes(name)) {
      this.checkOne(key, setting);
    } else if (key?.scope === "jvm") {
      this.warn(`${place(setting)} has no effect there, as in ZooKeeper; set -D${key.name}=${setting.value}`);
    } else if (key !== undefined && !fromFile) {
      this.warn(`${place(setting)} has no effect; ${key.name} is a key of zoo.cfg`);
    } else if (doubled !== undefined) {
      this.warn(`${place(setting)} has no effect in a file; write ${doubled.name}`);
    } else {
      this.warnUnknown(setting);
    }
  }

  private checkUnprefixed(name: string, setting: Setting): void {
    const key = configKeys.find((row) => propertyOf(row) === name || row.aliases?.includes(name));
    if (key !== undefined) {
      this.checkOne(key, setting);
    } else if (!FOREIGN_PROPERTY.test(name) && findKey(name)?.scope === "property") {
      this.warn(`${place(setting)} has no effect; write -Dzookeeper.${name}=…`);
    }
  }

  private checkOne(key: ConfigKey, setting: Setting): void {
    if (!isHarmlessEmpty(key, setting)) parseValue(key, setting);
    if (key.state === "not yet" && !isDefault(key, setting) && !key.supported?.includes(setting.value)) {
      this.warn(`${place(setting)} is not supported yet: ${key.reason}`);
    } else if (key.state === "no effect here") {
      this.info(`${place(setting)} has no effect here: ${key.reason}`);
    }
  }

  private warnUnknown(setting: Setting): void {
    const written = setting.writtenAs.replace(/^-Dzookeeper\./, "");
    const meant = didYouMean(written, KEY_NAMES);
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    this.warn(`${place(setting)} is not a key of ZooKeeper 3.9.5 and has no effect${hint}`);
  }
}

/** @throws {@link ConfigError} if the value does not fit its row */
function parseValue(key: ConfigKey, setting: Setting): void {
  switch (key.type) {
    case "int":
    case "long":
    case "double":
      parseNumber(key, setting);
      return;
    case "boolean":
      parseBoolean(key, setting);
      return;
    case "yesno":
      if (!key.values!.includes(setting.value)) throw invalid(key, setting, `be ${key.values!.join(" or ")}`);
      return;
    case "enum":
      if (!key.values!.includes(setting.value.toLowerCase())) {
        throw invalid(
          key,
          setting,
          `be one of ${key.values!.map((value) => (value === "" ? "empty" : value)).join(", ")}`,
        );
      }
      return;
    case "path":
      if (setting.value === "") throw invalid(key, setting, "be a path");
      return;
    default:
  }
}

function parseBoolean(key: ConfigKey, setting: Setting | undefined): boolean {
  const value = (setting?.value ?? key.default).toLowerCase();
  if (value === "true") return true;
  if (value === "false") return false;
  throw invalid(key, setting!, "be true or false");
}

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;

/** Reads as Java does: a native key by `Integer.parseInt`, a property by `Integer.decode`, which also takes hex and octal. */
function parseNumber(key: ConfigKey, setting: Setting): number {
  const what = key.type === "double" ? "a number" : "a whole number";
  const value = key.type === "double" ? decodeDouble(setting.value) : decodeInteger(setting.value, key.scope !== "cfg");
  const lowest = key.min ?? (key.type === "int" ? INT_MIN : Number.MIN_SAFE_INTEGER);
  const highest = key.max ?? (key.type === "int" ? INT_MAX : Number.MAX_SAFE_INTEGER);
  if (Number.isNaN(value)) throw invalid(key, setting, `be ${what}${range(key)}`);
  if (value > highest) throw invalid(key, setting, `be at most ${highest}${unitOf(key)}`);
  if (value < lowest && key.belowMin === undefined) throw invalid(key, setting, `be at least ${lowest}${unitOf(key)}`);
  return value;
}

function decodeInteger(text: string, decode: boolean): number {
  const match = /^([+-]?)(0[xX]|#|0(?=[0-7]))?(.+)$/.exec(text.trim());
  if (match === null) return Number.NaN;
  const prefix = decode ? (match[2] ?? "") : "";
  const digits = decode ? match[3]! : (match[2] ?? "") + match[3]!;
  const radix = prefix === "" ? 10 : prefix === "0" ? 8 : 16;
  const legal = radix === 10 ? /^\d+$/ : radix === 8 ? /^[0-7]+$/ : /^[\da-fA-F]+$/;
  if (!legal.test(digits)) return Number.NaN;
  const magnitude = Number.parseInt(digits, radix);
  return match[1] === "-" ? -magnitude : magnitude;
}

function decodeDouble(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/.test(text.trim()) ? Number.parseFloat(text) : Number.NaN;
}

function range(key: ConfigKey): string {
  if (key.min !== undefined && key.max !== undefined) return ` from ${key.min} to ${key.max}`;
  if (key.min !== undefined && key.belowMin === undefined) return ` of at least ${key.min}${unitOf(key)}`;
  return key.unit === undefined ? "" : ` (${key.unit})`;
}

function unitOf(key: ConfigKey): string {
  return key.unit === undefined ? "" : ` ${key.unit}`;
}

function invalid(key: ConfigKey, setting: Setting, accepted: string): ConfigError {
  const works = key.example ?? (key.default.startsWith("(") ? "" : key.default);
  const hint = works === "" ? "" : `${setting.writtenAs}=${works}`;
  const shown = key.type === "secret" ? "***" : setting.value;
  return new ConfigError(setting.source, setting.writtenAs, shown, accepted, hint);
}

/** zoo.cfg of the Docker image and others set keys to their defaults; that is no news. */
function isDefault(key: ConfigKey, setting: Setting): boolean {
  return setting.value.toLowerCase() === key.default.toLowerCase();
}

/** ZooKeeper's own scripts pass some properties empty; where the default is empty too, that says nothing. */
function isHarmlessEmpty(key: ConfigKey, setting: Setting): boolean {
  return setting.value === "" && key.default === "" && key.scope !== "cfg";
}

function isNative(name: string): boolean {
  if (name.startsWith("server.") || name.startsWith("group") || name.startsWith("weight")) return true;
  return findKey(name)?.scope === "cfg";
}

function rowOf(name: string): ConfigKey {
  return findKey(name)!;
}

function place(setting: Setting): string {
  const { file, line } = setting.source;
  return line > 0 ? `${file}:${line}: ${setting.writtenAs}` : `${file}: ${setting.writtenAs}`;
}
