import { configKeys } from "./config-table.js";

const SECRET_PROPERTIES = new Set(
  configKeys.filter((key) => key.type === "secret").map((key) => `zookeeper.${key.name}`),
);
/** Also catches what no table knows: properties of other programs and misspelt keys. */
const SECRET_NAME = /passw(or)?d(?!path)|secret|superdigest|credential|token$/i;

/** Whether the value of a system property must not be shown. */
export function isSecretProperty(name: string): boolean {
  return SECRET_PROPERTIES.has(name) || SECRET_NAME.test(name);
}

/** System properties that can be shown: secrets are replaced by `***`. */
export function redactedProperties(properties: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(
    [...properties].map(([name, value]) => [name, isSecretProperty(name) && value !== "" ? "***" : value]),
  );
}
